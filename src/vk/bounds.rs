//! Limits on the data from VK that is kept in memory: ten times VK's own, so that no valid data is cut.

/// The length of a name or a chat's title, in bytes. VK allows about a hundred characters, of two bytes each
/// in Russian.
pub const NAME_BYTES: usize = 2048;
/// The length of a short address, in bytes. VK allows 32 characters.
pub const ADDRESS_BYTES: usize = 320;
/// The attachments of a message. VK allows 10.
pub const ATTACHMENTS: usize = 100;
/// The forwarded messages in a message, at the first level. VK allows 100.
pub const FORWARDS: usize = 1000;
/// The size of a message as JSON text, in bytes. Most have some kilobytes. The largest that VK allows, with 500
/// forwarded messages of ten attachments each, exceed this and are not completed.
pub const MESSAGE_BYTES: usize = 1 << 20;

/// Cuts `text` to at most `most` bytes, between two characters. Returns whether it was longer.
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
