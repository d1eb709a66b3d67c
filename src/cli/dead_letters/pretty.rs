//! Indents JSON text.

/// The deepest level that is indented; deeper ones are not indented further.
const DEEPEST: usize = 20;

/// The text with a line for each member and element. Nothing else changes, so that the cause of the dead
/// letter remains visible; the text may be invalid JSON.
pub(super) fn pretty(text: &str) -> String {
    let mut layout = Layout::default();
    let (mut in_string, mut escaped) = (false, false);
    for char in text.trim().chars() {
        if in_string {
            layout.out.push(char);
            in_string = escaped || char != '"';
            escaped = char == '\\' && !escaped;
            continue;
        }
        match char {
            '{' | '[' => layout.open(char),
            '}' | ']' => layout.close(char),
            ',' => {
                layout.out.push(char);
                layout.new_line();
            }
            ':' => layout.out.push_str(": "),
            char if char.is_whitespace() => {}
            char => {
                in_string = char == '"';
                layout.out.push(char);
            }
        }
    }
    layout.out
}

#[derive(Default)]
struct Layout {
    out: String,
    level: usize,
}

impl Layout {
    fn new_line(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("  ", self.level.min(DEEPEST)));
    }

    fn open(&mut self, bracket: char) {
        self.out.push(bracket);
        self.level += 1;
        self.new_line();
    }

    fn close(&mut self, bracket: char) {
        self.level = self.level.saturating_sub(1);
        // Empty objects and arrays stay on one line.
        let content = self.out.trim_end().len();
        if self.out[..content].ends_with(['{', '[']) {
            self.out.truncate(content);
        } else {
            self.new_line();
        }
        self.out.push(bracket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_elements_have_lines_of_their_own() {
        let text = r#" {"a":[1,{"b":"x, \"{:}\""}],"c":{}, "a" : []}"#;
        let laid_out = r#"{
  "a": [
    1,
    {
      "b": "x, \"{:}\""
    }
  ],
  "c": {},
  "a": []
}"#;
        assert_eq!(pretty(text), laid_out);
    }

    #[test]
    fn what_is_no_json_is_shown_too() {
        assert_eq!(pretty("]]not\"a, b"), "\n]\n]not\"a, b");
        assert!(pretty(&"[".repeat(100_000)).len() < 100_000 * (2 + 2 * DEEPEST));
    }
}
