//! Values as Python writes them: the default values of an alias are kept as such a text.

use crate::value::{AnyValue, Key, Map};

/// Lists and mappings nested deeper than this are no default values of anything.
const DEEPEST: usize = 16;

/// Reads a Python literal: texts, numbers, `True`, `False`, `None`, lists, tuples and mappings with
/// text keys. `None` for anything else.
pub fn read(text: &str) -> Option<AnyValue> {
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.skip_blanks();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'x> {
    rest: &'x str,
}

impl Reader<'_> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip_blanks();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<AnyValue> {
        if depth > DEEPEST {
            return None;
        }
        self.skip_blanks();
        match self.rest.chars().next()? {
            '{' => self.mapping(depth),
            '[' => self.items('[', "]", depth),
            '(' => self.items('(', ")", depth),
            '\'' | '"' => self.text().map(AnyValue::Text),
            c if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.number(),
            _ => self.word(),
        }
    }

    fn mapping(&mut self, depth: usize) -> Option<AnyValue> {
        self.take("{");
        let mut map = Map::new();
        while !self.take("}") {
            self.skip_blanks();
            let key = self.text()?;
            if !self.take(":") {
                return None;
            }
            map.insert(Key::Owned(key), self.value(depth + 1)?);
            if !self.take(",") && !self.rest.trim_start().starts_with('}') {
                return None;
            }
        }
        Some(AnyValue::Map(map))
    }

    fn items(&mut self, open: char, close: &str, depth: usize) -> Option<AnyValue> {
        self.rest = self.rest.strip_prefix(open)?;
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.value(depth + 1)?);
            if !self.take(",") && !self.rest.trim_start().starts_with(close) {
                return None;
            }
        }
        Some(AnyValue::List(items))
    }

    fn text(&mut self) -> Option<String> {
        let quote = self
            .rest
            .chars()
            .next()
            .filter(|c| matches!(c, '\'' | '"'))?;
        let mut chars = self.rest.strip_prefix(quote)?.chars();
        let mut text = String::new();
        loop {
            match chars.next()? {
                '\\' => match chars.next()? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    escaped @ ('\\' | '\'' | '"') => text.push(escaped),
                    other => text.extend(['\\', other]),
                },
                c if c == quote => break,
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }

    fn number(&mut self) -> Option<AnyValue> {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '+' | '.'))
            .unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let value = digits
            .parse::<i64>()
            .map(AnyValue::Int)
            .or_else(|_| digits.parse::<f64>().map(AnyValue::Float))
            .ok()?;
        self.rest = rest;
        Some(value)
    }

    fn word(&mut self) -> Option<AnyValue> {
        for (word, value) in [
            ("True", AnyValue::Bool(true)),
            ("False", AnyValue::FALSE),
            ("None", AnyValue::Null),
        ] {
            if self.take(word) {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_read_as_python_writes_them() {
        let Some(AnyValue::Map(map)) = read(
            "{'function': 'from alias', \"note\": \"it's\", 'color': -3, 'tags': [(4, 7), True], 'x': None,}",
        ) else {
            panic!("a mapping");
        };
        assert_eq!(map.get("function"), Some(&"from alias".into()));
        assert_eq!(map.get("note"), Some(&"it's".into()));
        assert_eq!(map.get("color"), Some(&(-3).into()));
        let pair = AnyValue::List(vec![4.into(), 7.into()]);
        assert_eq!(
            map.get("tags"),
            Some(&AnyValue::List(vec![pair, true.into()]))
        );
        assert_eq!(map.get("x"), Some(&AnyValue::Null));
    }

    #[test]
    fn what_is_no_literal_is_refused() {
        for text in [
            "",
            "{",
            "{'a' 1}",
            "__import__('os')",
            "{'a': 1} + 1",
            "{1: 2}",
            "'open",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&"[".repeat(100_000)), None);
    }
}
