//! Texts for the terminal and the log: escapes and shortens those from VK and Redis, and puts errors in words.

use std::error::Error;

/// The most characters of a text that an error or a log line quotes.
const EXCERPT: usize = 300;

/// A text from VK or Redis as an error or a log line quotes it: escaped, and short enough to leave room for
/// the rest of the message.
pub(crate) fn excerpt(text: &str) -> String {
    shortened(text, EXCERPT)
}

/// The innermost cause of an error in words, without the system's number for it: `Connection refused`. The
/// errors around it say only that something inside them failed.
pub(crate) fn cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// What is wrong with a JSON text, without the position: where several texts are read, that is a riddle.
pub(crate) fn json_problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((problem, _)) => problem.to_owned(),
        None => text,
    }
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
    fn an_error_is_said_in_the_words_of_its_cause() {
        let refused = std::io::Error::from_raw_os_error(111);
        assert_eq!(refused.to_string(), "Connection refused (os error 111)");
        assert_eq!(cause(&refused), "Connection refused");
        assert_eq!(cause(&redis::RedisError::from(refused)), "Connection refused");
    }

    #[test]
    fn a_problem_with_json_has_no_position() {
        let problem = |text| json_problem(&serde_json::from_str::<u8>(text).unwrap_err());
        assert_eq!(problem("{"), "invalid type: map, expected u8");
        assert_eq!(problem(""), "EOF while parsing a value");
    }

    #[test]
    fn a_long_text_ends_in_an_ellipsis() {
        assert_eq!(shortened("абвгд", 5), "абвгд");
        assert_eq!(shortened("абвгде", 5), "абвг…");
        assert_eq!(shortened("\n\n\n\n", 5), "\\n\\n…");
        assert_eq!(shortened("", 5), "");
    }
}
