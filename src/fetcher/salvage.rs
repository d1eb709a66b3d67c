//! Recovers updates from a Long Poll body that is not valid JSON.
//!
//! Known cases are trailing commas, text that is cut off, and one update that VK failed to write. VK sends
//! such a body repeatedly at the same position, so retrying does not help. The updates are found by matching
//! brackets; each piece is then converted by itself like any other update.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::de::IgnoredAny;

use super::Batch;
use crate::{ts::Ts, vk::MAX_UPDATES};

/// So many bytes at its start identify a damaged update.
const LEADING_BYTES: usize = 64;

/// Returns what can be recovered from a damaged `body`, the reply to a poll from position `from`.
///
/// - All updates and the new position are readable: they are the batch.
/// - The end is missing, the updates cannot be separated, or there are too many: the valid updates before
///   that are the batch, and the position moves by their number (VK's grows by one with each update).
/// - The very first update is damaged: the batch has the whole body in its place, which becomes a dead
///   letter, and the position moves by one.
///
/// Returns none if the body does not contain the start of an update, or if its position lies before `from`:
/// then nothing has to be skipped.
pub(super) fn salvage(body: &str, from: Ts) -> Option<Batch> {
    let Pieces { updates, rest, unfinished } = pieces(body);
    let whole = whole(&updates);
    match rest.and_then(|rest| position(body, rest)) {
        Some(ts) if ts < from => return None,
        // Pieces that are not JSON count as updates only if their number matches VK's positions.
        Some(ts) if whole == updates.len() || ts == from.after(updates.len()) => {
            return Some(Batch::new(updates, ts));
        }
        _ => {}
    }
    let begins = unfinished.is_some_and(|at| !body[at..].trim().is_empty());
    if updates.is_empty() && !begins {
        return None;
    }
    Some(front(updates, from).unwrap_or_else(|| Batch::new(vec![body.into()], from.after(1))))
}

/// The valid updates before the damage, if there are any. The damaged ones are fetched again.
pub(super) fn before_damage(body: &str, from: Ts) -> Option<Batch> {
    front(pieces(body).updates, from)
}

fn front(mut updates: Vec<Box<str>>, from: Ts) -> Option<Batch> {
    updates.truncate(whole(&updates));
    let ts = from.after(updates.len());
    (!updates.is_empty()).then_some(Batch::new(updates, ts))
}

/// Identifies the damage of a body. Two bodies have the same fingerprint if the same update is damaged in
/// the same way, whatever follows it and whatever their `ts`. So the damage is recognised in a body that has
/// grown since, but not in bodies that a bad connection cuts off in different places.
pub(super) fn fingerprint(body: &str) -> u64 {
    let Pieces { updates, rest, unfinished } = pieces(body);
    let whole = whole(&updates);
    let mut hasher = DefaultHasher::new();
    if whole == updates.len() && rest.is_some_and(|rest| position(body, rest).is_some()) {
        // No update is damaged, only the text around them.
        return hasher.finish();
    }
    let is_open = serde_json::from_str::<IgnoredAny>(body).is_err_and(|error| error.is_eof());
    if is_open && !body.trim_end().ends_with('}') {
        // Cut off.
        body[list_start(body).unwrap_or(0)..].hash(&mut hasher);
    } else {
        let rest = || Some(body[unfinished?..].trim_start());
        let damaged = updates.get(whole).map(AsRef::as_ref).or_else(rest).unwrap_or(body);
        updates[..whole].hash(&mut hasher);
        damaged.as_bytes()[..damaged.len().min(LEADING_BYTES)].hash(&mut hasher);
    }
    hasher.finish()
}

/// How many of the first pieces are valid JSON.
fn whole(updates: &[Box<str>]) -> usize {
    let is_json = |update: &str| serde_json::from_str::<IgnoredAny>(update).is_ok();
    updates.iter().take_while(|update| is_json(update)).count()
}

struct Pieces {
    updates: Vec<Box<str>>,
    /// The offset after the list of updates; none if the list does not end, or is too long.
    rest: Option<usize>,
    /// The offset at which the unfinished last piece begins; none if the list ends or does not begin.
    unfinished: Option<usize>,
}

/// Splits the list under `"updates"` at its top-level commas.
fn pieces(body: &str) -> Pieces {
    let mut updates = Vec::new();
    let Some(start) = list_start(body) else {
        return Pieces { updates, rest: None, unfinished: None };
    };
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
            if byte != b']' && updates.len() == MAX_UPDATES {
                break;
            }
            if byte == b']' {
                return Pieces { updates, rest: Some(at + 1), unfinished: None };
            }
        }
        nesting.read(byte);
    }
    Pieces { updates, rest: None, unfinished: Some(piece) }
}

fn list_start(body: &str) -> Option<usize> {
    let key = body.find("\"updates\"")? + "\"updates\"".len();
    let opening = body[key..].find(|c: char| c != ':' && !c.is_whitespace())?;
    body[key + opening..].starts_with('[').then_some(key + opening + 1)
}

/// The new position, before the list of updates or after it, from the offset `rest`.
fn position(body: &str, rest: usize) -> Option<Ts> {
    let before = &body[..body.find("\"updates\"")?];
    let digits = |text: &str| {
        let value = text.split_once("\"ts\"")?.1.trim_start_matches([':', ' ', '"']);
        let end = value.find(|c: char| !c.is_ascii_digit())?;
        value[..end].parse::<u64>().ok()?.try_into().ok()
    };
    let after = &body[rest..];
    after.trim_end().ends_with('}').then(|| digits(before).or_else(|| digits(after)))?
}

/// The nesting of brackets and strings at one point of the text.
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
        let batch =
            salvage(r#"{"ts":"12","updates":[{"a":"],}"},{"b":[1,2]},]}"#, Ts::from(10)).unwrap();
        assert_eq!(texts(&batch), [r#"{"a":"],}"}"#, r#"{"b":[1,2]}"#]);
        assert_eq!(batch.ts, Ts::from(12));
    }

    #[test]
    fn one_bad_update_does_not_cost_its_neighbours() {
        let batch =
            salvage(r#"{"updates":[{"a":1},{"b":oops},{"c":3}],"ts":13}"#, Ts::from(10)).unwrap();
        assert_eq!(texts(&batch), [r#"{"a":1}"#, r#"{"b":oops}"#, r#"{"c":3}"#]);
        assert_eq!(batch.ts, Ts::from(13));
    }

    #[test]
    fn of_a_cut_body_only_whole_updates_are_taken_and_counted() {
        let batch =
            salvage(r#"{"ts":"99","updates":[{"a":1},{"b":2},{"c":"#, Ts::from(10)).unwrap();
        assert_eq!(texts(&batch), [r#"{"a":1}"#, r#"{"b":2}"#]);
        assert_eq!(batch.ts, Ts::from(12), "the third is still to be fetched");
    }

    #[test]
    fn a_body_cut_in_its_first_update_stands_for_that_update() {
        let body = r#"{"ts":"99","updates":[{"a":"#;
        let batch = salvage(body, Ts::from(10)).unwrap();
        assert_eq!(texts(&batch), [body]);
        assert_eq!(batch.ts, Ts::from(11));
    }

    #[test]
    fn of_too_many_updates_the_first_are_taken_and_counted() {
        let updates = "1,".repeat(MAX_UPDATES + 5);
        let batch =
            salvage(&format!(r#"{{"ts":"999999","updates":[{updates}1]}}"#), Ts::from(10)).unwrap();
        assert_eq!(batch.updates.len(), MAX_UPDATES);
        assert_eq!(batch.ts, Ts::from(10).after(MAX_UPDATES));
    }

    #[test]
    fn neighbours_that_cannot_be_separated_from_a_damaged_update_are_fetched_again() {
        let body = r#"{"ts":"14","updates":[{"a":1},{"b":"x},{"c":"y},{"d":4}]}"#;
        let batch = salvage(body, Ts::from(10)).unwrap();
        assert_eq!(texts(&batch), [r#"{"a":1}"#]);
        assert_eq!(batch.ts, Ts::from(11));
        let front = r#"{"ts":"14","updates":[{"b":"x},{"c":"y},{"d":4}]}"#;
        let batch = salvage(front, Ts::from(11)).unwrap();
        assert_eq!((texts(&batch), batch.ts), (vec![front], Ts::from(12)));
    }

    #[test]
    fn a_body_without_an_update_yields_nothing() {
        for body in [
            r#"{"updates":[],}"#,
            r#"{"ts":"9","updates":[{"a":1},]}"#,
            r#"{"ts":"12","updates":["#,
            r#"{"updates":oops"#,
        ] {
            assert_eq!(salvage(body, Ts::from(10)), None, "{body}");
        }
        let stays = salvage(r#"{"ts":"10","updates":[],}"#, Ts::from(10));
        assert_eq!(stays, Some(Batch::position_only(Ts::from(10), None)));
    }

    #[test]
    fn a_body_that_grew_after_its_damage_has_the_same_fingerprint() {
        let update =
            r#"{"type":"message_new","event_id":"1","object":{"text":"a long text, long enough"}}"#;
        for damaged in [
            r#"{"type":"message_new","object":oops}"#,
            r#"{"type":"message_new","object":{"text":"half \x"}}"#,
            r#"{"type":"message_new","event_id":"2","object":{"text":"no end of the text at all, ever}}"#,
            r#"{"type":"message_new","event_id":"2","object":{"message":{"text":"brackets not closed"}"#,
        ] {
            let short = format!(r#"{{"ts":"9","updates":[{update},{damaged},{update}]}}"#);
            let long = format!(r#"{{"ts":"10","updates":[{update},{damaged},{update},{update}]}}"#);
            assert_eq!(fingerprint(&short), fingerprint(&long), "{damaged}");
            let elsewhere = format!(r#"{{"ts":"9","updates":[{damaged},{update},{update}]}}"#);
            assert_ne!(fingerprint(&short), fingerprint(&elsewhere), "{damaged}");
        }
        // The damaged update is the last, and then it is not.
        let open =
            r#"{"type":"message_new","event_id":"2","object":{"text":"no end of the text at all}}"#;
        let last = format!(r#"{{"ts":"9","updates":[{update},{open}]}}"#);
        let grown = format!(r#"{{"ts":"9","updates":[{update},{open},{update}]}}"#);
        assert_eq!(fingerprint(&last), fingerprint(&grown));
        let commas = |n: usize| format!(r#"{{"ts":"9","updates":[{}]}}"#, "{\"a\":1},".repeat(n));
        assert_eq!(fingerprint(&commas(3)), fingerprint(&commas(4)));
        let cut = format!(r#"{{"ts":"9","updates":[{update},{update}]}}"#);
        let fingerprints: std::collections::HashSet<_> =
            (30..cut.len() - 1).map(|end| fingerprint(&cut[..end])).collect();
        // Once the list is whole, no update is damaged.
        assert!(fingerprints.len() >= cut.len() - 36, "{} of {}", fingerprints.len(), cut.len());
    }

    proptest! {
        #[test]
        fn any_text_moves_the_position_and_never_panics(text in ".{0,80}", ts in 0..u32::MAX) {
            for body in [text.clone(), format!("{{\"updates\":[{text}")] {
                fingerprint(&body);
                if let Some(batch) = salvage(&body, Ts::from(ts)) {
                    prop_assert!(batch.ts > Ts::from(ts) || batch.updates.is_empty());
                }
            }
        }

        #[test]
        fn a_cut_anywhere_never_moves_the_position_beyond_the_updates_passed_on(cut in 0..51_usize) {
            let whole = r#"{"ts":"13","updates":[{"a":1},{"b":"]"},{"c":[3]}]}"#;
            if let Some(batch) = salvage(&whole[..cut.min(whole.len() - 1)], Ts::from(10)) {
                prop_assert!(batch.ts.since(Ts::from(10)) <= batch.updates.len() as u64);
            }
        }
    }
}
