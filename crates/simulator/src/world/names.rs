//! The words of names and titles, and their Latin form.

pub(super) const FIRST_NAMES: [&str; 16] = [
    "Анна",
    "Борис",
    "Виктория",
    "Григорий",
    "Дарья",
    "Евгений",
    "Жанна",
    "Захар",
    "Ирина",
    "Кирилл",
    "Любовь",
    "Максим",
    "Наталья",
    "Олег",
    "Полина",
    "Юрий",
];

pub(super) const LAST_NAMES: [&str; 16] = [
    "Абрамян",
    "Белый",
    "Власенко",
    "Гончар",
    "Дубровец",
    "Ёжик",
    "Журавель",
    "Зима",
    "Иванченко",
    "Коваль",
    "Лебедь",
    "Мороз",
    "Нечай",
    "Орлик",
    "О'Брайен",
    "Щука-Эйхе",
];

pub(super) const COMMUNITY_NAMES: [&str; 6] = [
    "Клуб любителей чая",
    "Новости двора",
    "Shop & Go <24/7>",
    "Поэзия \"Серебро\"",
    "Мемы 🐸",
    "日本語クラブ",
];

pub(super) const CHAT_TITLES: [&str; 10] = [
    "ТЕСТ | DEV | ЧАТ",
    "Флудилка 🔥",
    "Работа",
    "Соседи, дом №5",
    "\"Кавычки\" и \\черта\\",
    "שלום עולם",
    "👩‍👩‍👧‍👦 семья",
    "<b>Не HTML</b> & co",
    "Zürich 大家好",
    "  пробелы по краям  ",
];

/// A name in Latin letters, as VK returns it if `lang` asks for English. Letters that are not Cyrillic are
/// unchanged.
pub(crate) fn latin(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        let lower = letter.to_lowercase().next().unwrap_or(letter);
        match letter_in_latin(lower) {
            None => text.push(letter),
            Some(latin) if lower == letter => text.push_str(latin),
            Some(latin) => {
                let mut letters = latin.chars();
                text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
                text.push_str(letters.as_str());
            }
        }
    }
    text
}

fn letter_in_latin(letter: char) -> Option<&'static str> {
    Some(match letter {
        'а' => "a",
        'б' => "b",
        'в' => "v",
        'г' => "g",
        'д' => "d",
        'е' | 'э' => "e",
        'ё' => "yo",
        'ж' => "zh",
        'з' => "z",
        'и' => "i",
        'й' | 'ы' => "y",
        'к' => "k",
        'л' => "l",
        'м' => "m",
        'н' => "n",
        'о' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' => "u",
        'ф' => "f",
        'х' => "kh",
        'ц' => "ts",
        'ч' => "ch",
        'ш' => "sh",
        'щ' => "sch",
        'ю' => "yu",
        'я' => "ya",
        'ь' | 'ъ' => "",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::latin;

    #[test]
    fn cyrillic_letters_get_latin_ones_and_others_stay() {
        assert_eq!(latin("Щука-Эйхе"), "Schuka-Eykhe");
        assert_eq!(latin("Любовь O'Brien 🐸"), "Lyubov O'Brien 🐸");
    }
}
