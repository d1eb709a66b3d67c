//! What is whole in a Long Poll body that is not JSON.
//!
//! Seen in the wild: trailing commas, text cut off, one update that VK failed to write. Such a
//! body comes again and again at the same position, so waiting does not help. Brackets are
//! matched to find the updates; each piece is then judged by itself like any other update.

use super::Batch;
use crate::{ts::Ts, vk::UPDATES_AN_ANSWER};

/// Takes what can be taken from a damaged `body` that was asked for from position `from`.
///
/// - All updates and the new position are there: they are the batch.
/// - The end is missing, or there are too many updates: the whole ones before that are the batch, and
///   the position moves by their number (VK's grows by one an update).
/// - The very first update is damaged: the body itself stands for it, to be kept as a dead letter,
///   and the position moves by one.
pub(super) fn salvage(body: &str, from: Ts) -> Batch {
    let Pieces { updates, rest } = pieces(body);
    if let Some(ts) = rest.and_then(|rest| position(body, rest)) {
        return Batch { updates, ts, gap: None };
    }
    if updates.is_empty() {
        return Batch { updates: vec![body.into()], ts: Ts(from.0.saturating_add(1)), gap: None };
    }
    let ts = Ts(from.0.saturating_add(updates.len() as u64));
    Batch { updates, ts, gap: None }
}

struct Pieces {
    updates: Vec<Box<str>>,
    /// Where the text goes on after the list of updates; none when the list does not end, or not
    /// before it is too long.
    rest: Option<usize>,
}

/// Splits the list under `"updates"` at its top-level commas.
fn pieces(body: &str) -> Pieces {
    let mut updates = Vec::new();
    let Some(start) = list_start(body) else { return Pieces { updates, rest: None } };
    let mut nesting = Nesting::default();
    let mut piece = start;
    for (at, byte) in body.bytes().enumerate().skip(start) {
        let ends = nesting.is_top() && matches!(byte, b',' | b']');
        if ends {
            let text = body[piece..at].trim();
            if !text.is_empty() {
                updates.push(text.into());
            }
            piece = at + 1;
            if byte != b']' && updates.len() == UPDATES_AN_ANSWER {
                break;
            }
            if byte == b']' {
                return Pieces { updates, rest: Some(at + 1) };
            }
        }
        nesting.read(byte);
    }
    Pieces { updates, rest: None }
}

fn list_start(body: &str) -> Option<usize> {
    let key = body.find("\"updates\"")? + "\"updates\"".len();
    let opening = body[key..].find(|c: char| c != ':' && !c.is_whitespace())?;
    body[key + opening..].starts_with('[').then_some(key + opening + 1)
}

/// The new position, which stands before the list of updates or in `rest`, after it.
fn position(body: &str, rest: usize) -> Option<Ts> {
    let before = &body[..body.find("\"updates\"")?];
    let digits = |text: &str| {
        let value = text.split_once("\"ts\"")?.1.trim_start_matches([':', ' ', '"']);
        let end = value.find(|c: char| !c.is_ascii_digit())?;
        value[..end].parse().ok().map(Ts)
    };
    let after = &body[rest..];
    after.trim_end().ends_with('}').then(|| digits(before).or_else(|| digits(after)))?
}

/// How deep the text is in brackets and strings.
#[derive(Default)]
struct Nesting {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Nesting {
    fn is_top(&self) -> bool {
        self.depth == 0 && !self.in_string
    }

    fn read(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(batch: &Batch) -> Vec<&str> {
        batch.updates.iter().map(AsRef::as_ref).collect()
    }

    #[test]
    fn a_trailing_comma_costs_nothing() {
        let batch = salvage(r#"{"ts":"12","updates":[{"a":"],}"},{"b":[1,2]},]}"#, Ts(10));
        assert_eq!(texts(&batch), [r#"{"a":"],}"}"#, r#"{"b":[1,2]}"#]);
        assert_eq!(batch.ts, Ts(12));
    }

    #[test]
    fn one_bad_update_does_not_cost_its_neighbours() {
        let batch = salvage(r#"{"updates":[{"a":1},{"b":oops},{"c":3}],"ts":13}"#, Ts(10));
        assert_eq!(texts(&batch), [r#"{"a":1}"#, r#"{"b":oops}"#, r#"{"c":3}"#]);
        assert_eq!(batch.ts, Ts(13));
    }

    #[test]
    fn of_a_cut_body_only_whole_updates_are_taken_and_counted() {
        let batch = salvage(r#"{"ts":"99","updates":[{"a":1},{"b":2},{"c":"#, Ts(10));
        assert_eq!(texts(&batch), [r#"{"a":1}"#, r#"{"b":2}"#]);
        assert_eq!(batch.ts, Ts(12), "the third is still to be fetched");
    }

    #[test]
    fn a_body_cut_in_its_first_update_stands_for_that_update() {
        let body = r#"{"ts":"99","updates":[{"a":"#;
        let batch = salvage(body, Ts(10));
        assert_eq!(texts(&batch), [body]);
        assert_eq!(batch.ts, Ts(11));
    }

    #[test]
    fn of_too_many_updates_the_first_are_taken_and_counted() {
        let updates = "1,".repeat(UPDATES_AN_ANSWER + 5);
        let batch = salvage(&format!(r#"{{"ts":"999999","updates":[{updates}1]}}"#), Ts(10));
        assert_eq!(batch.updates.len(), UPDATES_AN_ANSWER);
        assert_eq!(batch.ts, Ts(10 + UPDATES_AN_ANSWER as u64));
    }

    proptest! {
        #[test]
        fn any_text_moves_the_position_and_never_panics(text in ".{0,80}", ts in 0..u64::MAX / 2) {
            for body in [text.clone(), format!("{{\"updates\":[{text}")] {
                let batch = salvage(&body, Ts(ts));
                prop_assert!(batch.ts > Ts(ts) || batch.ts.0 < ts);
            }
        }

        #[test]
        fn a_cut_anywhere_never_takes_a_position_beyond_what_it_hands_on(cut in 0..51_usize) {
            let whole = r#"{"ts":"13","updates":[{"a":1},{"b":"]"},{"c":[3]}]}"#;
            let batch = salvage(&whole[..cut.min(whole.len() - 1)], Ts(10));
            prop_assert!(batch.ts.0 - 10 <= batch.updates.len() as u64);
        }
    }
}
