//! Texts of messages.

use super::Generator;

const COMMANDS: [&str; 8] = [
    "/help",
    "/mute @id1 10m за флуд",
    "!kick",
    "!Ban [id1|Павел] \"навсегда\"",
    "/",
    "! с пробелом",
    "//comment",
    "/emoji 🎲",
];

const PHRASES: [&str; 14] = [
    "Привет всем",
    "ok",
    "не /команда",
    " /с пробела",
    "строка\nвторая\tтаб",
    "кавычки \" и \\ черта \\n",
    "🇧🇾👩‍👩‍👧‍👦🏳️‍🌈 é e\u{301}",
    "مرحبا بالعالم",
    "</script><!-- & &amp; %20 -->",
    "\u{2028}разделители\u{2029}\u{feff}",
    "\u{0}\u{1}\u{7f}\u{200b}",
    "[club1|@сообщество], https://vk.example/?a=1&b=2#c",
    "大家好，世界",
    "null",
];

impl Generator {
    /// A command or plain text, with the running number at its end.
    pub(super) fn text(&mut self) -> String {
        let words = if self.chance(0.25) { self.pick(&COMMANDS) } else { self.pick(&PHRASES) };
        format!("{} #{}", words.unwrap_or_default(), self.number)
    }
}
