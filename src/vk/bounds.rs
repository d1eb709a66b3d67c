//! How much of what VK sends is kept: VK's own limits times ten, so that nothing that VK allows is
//! cut, and no answer can take memory without bound.

/// A name, a community's name or a chat's title, in bytes. VK takes about a hundred characters, which
/// are two bytes each in Russian.
pub const NAME_BYTES: usize = 2048;
/// A short address, in bytes. VK takes 32 characters.
pub const ADDRESS_BYTES: usize = 320;
/// Attachments of a message. VK takes 10.
pub const ATTACHMENTS: usize = 100;
/// Forwarded messages of a message, at the first level. VK takes 100.
pub const FORWARDS: usize = 1000;
/// A whole message, as JSON text in bytes. VK's are some kilobytes; the largest that it allows, of 500
/// forwarded messages with ten attachments each, are not completed.
pub const MESSAGE_BYTES: usize = 1 << 20;

/// Cuts `text` to at most `most` bytes between two characters, and returns whether it was longer.
pub fn cut(text: &mut String, most: usize) -> bool {
    if text.len() <= most {
        return false;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.shrink_to_fit();
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_two_characters() {
        for (most, left, was_longer) in
            [(5, "аяb", false), (4, "ая", true), (3, "а", true), (0, "", true)]
        {
            let mut text = "аяb".to_owned();
            assert_eq!(cut(&mut text, most), was_longer, "{most}");
            assert_eq!(text, left);
        }
    }
}
