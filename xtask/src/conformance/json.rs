//! As much of JSON as the suite's results need: texts, lists and objects.

use crate::Outcome;

/// A value. Numbers, booleans and null are not told apart: nothing here reads them.
#[derive(Debug, PartialEq)]
pub(super) enum Json {
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
    Other,
}

impl Json {
    /// Reads a whole text.
    pub(super) fn parse(text: &str) -> Outcome<Json> {
        let mut reader = Reader { rest: text };
        let value = reader.value()?;
        reader.blank();
        if reader.rest.is_empty() { Ok(value) } else { Err(reader.unexpected("the end")) }
    }

    /// A member that is a text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        let Json::Object(members) = self else { return None };
        match members.iter().find(|(name, _)| name == key)? {
            (_, Json::Text(text)) => Some(text),
            _ => None,
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn unexpected(&self, wanted: &str) -> String {
        format!("no JSON: {wanted} was expected before {:?}", self.rest.chars().take(20).collect::<String>())
    }

    fn blank(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes this character, after white space, if it is next.
    fn take(&mut self, wanted: char) -> bool {
        self.blank();
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, wanted: char) -> Outcome {
        if self.take(wanted) { Ok(()) } else { Err(self.unexpected(&format!("{wanted:?}"))) }
    }

    fn value(&mut self) -> Outcome<Json> {
        if self.take('{') {
            let mut members = Vec::new();
            self.series('}', |reader| {
                reader.expect('"')?;
                let key = reader.string()?;
                reader.expect(':')?;
                members.push((key, reader.value()?));
                Ok(())
            })?;
            return Ok(Json::Object(members));
        }
        if self.take('[') {
            let mut elements = Vec::new();
            self.series(']', |reader| reader.value().map(|element| elements.push(element)))?;
            return Ok(Json::List(elements));
        }
        if self.take('"') {
            return self.string().map(Json::Text);
        }
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if word.is_empty() {
            return Err(self.unexpected("a value"));
        }
        self.rest = rest;
        Ok(Json::Other)
    }

    /// Items with commas between them, up to the end.
    fn series(&mut self, end: char, mut item: impl FnMut(&mut Self) -> Outcome) -> Outcome {
        if self.take(end) {
            return Ok(());
        }
        loop {
            item(self)?;
            if !self.take(',') {
                return self.expect(end);
            }
        }
    }

    /// A string, after its first quote.
    fn string(&mut self) -> Outcome<String> {
        let mut text = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next() {
                Some('"') => break,
                Some('\\') => match chars.next() {
                    Some('n') => text.push('\n'),
                    Some('r') => text.push('\r'),
                    Some('t') => text.push('\t'),
                    Some('b' | 'f') => text.push(' '),
                    Some('u') => {
                        let digits: String = chars.by_ref().take(4).collect();
                        // Halves of a pair stand for nothing on their own; nothing here compares such texts.
                        let code = u32::from_str_radix(&digits, 16).ok();
                        text.push(code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    Some(plain) => text.push(plain),
                    None => return Err(self.unexpected("the end of a string")),
                },
                Some(plain) => text.push(plain),
                None => return Err(self.unexpected("the end of a string")),
            }
        }
        self.rest = chars.as_str();
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_among_everything_else() {
        let text = r#" [ {"id":"a\"\u00e9\n","n":-1.5e3,"deep":{"id":["x",null,{}]},"none":[],"status":"SUCCESS"}, true ] "#;
        let json = Json::parse(text).unwrap();
        let Json::List(list) = &json else { panic!("{json:?}") };
        let [first, second] = &list[..] else { panic!("{json:?}") };
        assert_eq!(first.text("id"), Some("a\"é\n"));
        assert_eq!((first.text("status"), first.text("n"), second.text("id")), (Some("SUCCESS"), None, None));
    }

    #[test]
    fn what_is_cut_short_is_an_error() {
        for text in ["", "[", r#"[{"id":"a"#, r#"[{"id" "a"}]"#, "[1,]", "[] []", r#"["\"#] {
            assert!(Json::parse(text).is_err(), "{text}");
        }
    }
}
