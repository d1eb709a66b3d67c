//! Escapes and shortens text from VK and Redis for the terminal and the log.

/// The most characters of a text that an error or a log line quotes.
const EXCERPT: usize = 300;

/// A text from VK or Redis as an error or a log line quotes it: escaped, and short enough to leave room for
/// the rest of the message.
pub(crate) fn excerpt(text: &str) -> String {
    shortened(text, EXCERPT)
}

/// Escapes the characters that a terminal interprets: control characters, which begin escape codes and new
/// lines, and those that reverse the direction of writing.
pub(crate) fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if is_interpreted(char) {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    shown
}

/// Escapes a text and shortens it to `longest` characters, of which the last is then an ellipsis.
pub(crate) fn shortened(text: &str, longest: usize) -> String {
    // Escaping only makes a text longer, so more of it than this is never shown.
    let end = text.char_indices().nth(longest + 1).map_or(text.len(), |(end, _)| end);
    let mut shown = harmless(&text[..end]);
    if let Some((end, _)) = shown.char_indices().nth(longest) {
        let last = shown[..end].char_indices().next_back().map_or(0, |(last, _)| last);
        shown.truncate(last);
        shown.push('…');
    }
    shown
}

fn is_interpreted(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_a_terminal_interprets_are_escaped() {
        assert_eq!(harmless("a\x1b[2Jb\r\n"), "a\\u{1b}[2Jb\\r\\n");
        assert_eq!(harmless("\u{9b}31m\u{7f}\u{202e}"), "\\u{9b}31m\\u{7f}\\u{202e}");
        assert_eq!(harmless("Привет, 👩‍👩‍👧 \\"), "Привет, 👩‍👩‍👧 \\");
    }

    #[test]
    fn a_long_text_ends_in_an_ellipsis() {
        assert_eq!(shortened("абвгд", 5), "абвгд");
        assert_eq!(shortened("абвгде", 5), "абвг…");
        assert_eq!(shortened("\n\n\n\n", 5), "\\n\\n…");
        assert_eq!(shortened("", 5), "");
    }
}
