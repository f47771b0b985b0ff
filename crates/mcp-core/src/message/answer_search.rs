//! Finds the ids of answers in text that was meant as a message and is not JSON.

#![expect(clippy::indexing_slicing, reason = "positions are those of bytes that were found in the same text")]

use super::{MAX_ID_BYTES, RequestId};

/// How many opening brackets of one text are tried, if no answer begins with them.
const TRIES: usize = 8;

/// How far into a text the tries after the first reach, in bytes.
const REACH: usize = 64 * 1024;

/// How many answers of one text are returned.
const MOST: usize = 64;

/// Finds the ids of the answers in text that cannot be decoded, so that their calls fail at once and not by a timeout.
///
/// Answers are found behind a prefix such as that of a log, with values that JSON does not have (`NaN`, `undefined`),
/// several in one text (at most 64), in a JSON string, in the notation of Python and JavaScript, in UTF-16, without their
/// end, and spread over several texts. A message with a method is not an answer.
///
/// Time is linear in the length of the texts. Between texts at most two ids are kept.
///
/// ```
/// use mcp_core::message::AnswerSearch;
///
/// let found = AnswerSearch::new().search(br#"debug: {"jsonrpc":"2.0","id":4,"result":{"mean":NaN}}"#);
/// assert_eq!(found, [4.into()]);
/// ```
#[derive(Debug, Default)]
pub struct AnswerSearch {
    /// The object that earlier texts have begun.
    begun: Option<Walk>,
}

impl AnswerSearch {
    /// A search that has seen nothing.
    pub fn new() -> AnswerSearch {
        AnswerSearch::default()
    }

    /// Forgets the earlier texts: a message was read, which does not continue them.
    pub fn reset(&mut self) {
        self.begun = None;
    }

    /// The ids of the answers in this text, which may continue the earlier ones. Each is returned once.
    pub fn search(&mut self, text: &[u8]) -> Vec<RequestId> {
        let uncovered = uncovered(text);
        let text = uncovered.as_deref().unwrap_or(text);
        // Indented, it is a part of the object that earlier texts have begun.
        let is_part = self.begun.is_some() && text.first().is_some_and(u8::is_ascii_whitespace);
        let text = text.trim_ascii();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let (mut found, whole) = search_alone(text, is_part);
        if let Some(walk) = whole
            && !is_part
        {
            self.begun = walk.is_open().then_some(walk);
            return found;
        }
        let mut rest = text;
        if self.begun.is_none() && text.ends_with(b"{") {
            self.begun = Some(Walk::new(false));
            rest = b"{";
        }
        let Some(walk) = &mut self.begun else { return found };
        walk.take(rest);
        if let Some(id) = walk.answer()
            && !found.contains(&id)
        {
            found.push(id);
        }
        if !walk.is_open() {
            self.begun = None;
        }
        found
    }
}

/// The answers in this text, whatever came before, and the walk over the object that it begins with. `is_part`: of a
/// longer message.
fn search_alone(text: &[u8], is_part: bool) -> (Vec<RequestId>, Option<Walk>) {
    let (mut found, mut whole) = (Vec::new(), None);
    let (mut at, mut tries) = (0_usize, 0);
    while tries < TRIES && found.len() < MOST {
        let Some(start) = text[at..].iter().position(|byte| *byte == b'{') else { break };
        at += start;
        let reach = if tries == 0 { text.len() } else { text.len().min(at.saturating_add(REACH)) };
        let is_first = at == 0;
        let mut walk = Walk::new(is_first);
        // A part of a longer message may look like an answer.
        walk.needs_version = tries > 0 || is_part;
        let taken = walk.take(&text[at..reach]);
        let id = walk.answer();
        tries += usize::from(id.is_none());
        // Behind a bracket that is not closed, another object may begin.
        at += if id.is_none() && walk.is_open() { 1 } else { taken };
        if let Some(id) = id
            && !found.contains(&id)
        {
            found.push(id);
        }
        if is_first {
            whole = Some(walk);
        }
    }
    (found, whole)
}

/// The text without what covers it: the zero bytes of UTF-16, or the quotes and escapes of a JSON string. `None` if
/// nothing does.
fn uncovered(text: &[u8]) -> Option<Vec<u8>> {
    if text.contains(&0) {
        let text = text.strip_prefix(b"\xff\xfe").or(text.strip_prefix(b"\xfe\xff")).unwrap_or(text);
        return Some(text.iter().copied().filter(|byte| *byte != 0).collect());
    }
    let inner = text.trim_ascii().strip_prefix(b"\"")?;
    if !inner.trim_ascii_start().starts_with(b"{\\\"") {
        return None;
    }
    let mut escaped = false;
    let is_text = |byte: &u8| {
        escaped = *byte == b'\\' && !escaped;
        !escaped
    };
    Some(inner.iter().copied().filter(is_text).collect())
}

/// A walk over one object in a notation that is like JSON.
#[derive(Debug, Default)]
struct Walk {
    /// Names without quotes, or in single ones, count too.
    any_notation: bool,
    /// Without `jsonrpc` this is not an answer.
    needs_version: bool,
    depth: usize,
    /// The quote that ends the string that the walk is in.
    quote: Option<u8>,
    /// The next byte of the string is escaped.
    escaped: bool,
    /// The walk is in a word, such as a number.
    in_word: bool,
    /// The newest string, with its quotes, or word at the first depth.
    token: Vec<u8>,
    /// The walk is in the value of `id`.
    in_id: bool,
    /// What was found.
    envelope: Envelope,
}

/// The members of a message, as far as they decide whether it is an answer.
#[derive(Debug, Default)]
struct Envelope {
    id: Option<RequestId>,
    has_version: bool,
    has_outcome: bool,
    has_method: bool,
    /// A name was not in double quotes.
    foreign: bool,
    /// The id was returned already.
    returned: bool,
}

impl Walk {
    fn new(any_notation: bool) -> Walk {
        Walk { any_notation, ..Walk::default() }
    }

    /// Whether the object has not ended.
    fn is_open(&self) -> bool {
        self.depth > 0
    }

    /// The id, if this is an answer, once. In another notation it has to look like one in full.
    fn answer(&mut self) -> Option<RequestId> {
        let seen = &mut self.envelope;
        let is_loose = seen.foreign || self.needs_version;
        let is_answer = seen.has_outcome && !seen.has_method && (seen.has_version || !is_loose);
        if !is_answer || seen.returned {
            return None;
        }
        seen.returned = seen.id.is_some();
        seen.id.clone()
    }

    /// Walks on to the end of the object. Returns how many bytes that took.
    fn take(&mut self, text: &[u8]) -> usize {
        for (at, byte) in text.iter().enumerate() {
            self.step(*byte);
            if self.depth == 0 {
                return at + 1;
            }
        }
        self.in_word = false;
        text.len()
    }

    fn step(&mut self, byte: u8) {
        if let Some(quote) = self.quote {
            self.keep(byte);
            let ends = byte == quote && !self.escaped;
            self.escaped = byte == b'\\' && !self.escaped;
            if ends {
                self.quote = None;
            }
            return;
        }
        let was_in_word = std::mem::take(&mut self.in_word);
        match byte {
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                if self.depth == 1 {
                    self.end_member();
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b':' if self.depth == 1 => self.begin_member(),
            b',' if self.depth == 1 => self.end_member(),
            b'"' => self.begin_string(byte),
            b'\'' if self.any_notation => self.begin_string(byte),
            byte if byte.is_ascii_whitespace() => {}
            byte => {
                if !was_in_word && self.depth == 1 {
                    self.token.clear();
                }
                self.in_word = true;
                self.keep(byte);
            }
        }
    }

    fn begin_string(&mut self, quote: u8) {
        if self.depth == 1 {
            self.token.clear();
        }
        self.quote = Some(quote);
        self.keep(quote);
    }

    fn keep(&mut self, byte: u8) {
        // One byte beyond the limit shows that the token is no id.
        if self.depth == 1 && self.token.len() <= MAX_ID_BYTES {
            self.token.push(byte);
        }
    }

    /// The token was a name, and its value follows.
    fn begin_member(&mut self) {
        let token = std::mem::take(&mut self.token);
        let quoted = token.starts_with(b"\"");
        self.in_id = false;
        if !quoted && !self.any_notation {
            return;
        }
        let seen = &mut self.envelope;
        seen.foreign |= !quoted;
        match inside_quotes(&token) {
            b"id" => self.in_id = true,
            b"jsonrpc" => seen.has_version = true,
            b"result" | b"error" => seen.has_outcome = true,
            b"method" => seen.has_method = true,
            _ => {}
        }
    }

    /// The value of a member has ended.
    fn end_member(&mut self) {
        let token = std::mem::take(&mut self.token);
        if std::mem::take(&mut self.in_id) {
            self.envelope.id = match &token[..] {
                [b'\'', inner @ .., b'\''] => std::str::from_utf8(inner).ok().map(RequestId::from),
                token => RequestId::parse(token),
            };
        }
    }
}

/// A token without the quotes around it.
fn inside_quotes(token: &[u8]) -> &[u8] {
    match token {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        token => token,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str]) -> Vec<i64> {
        let mut search = AnswerSearch::new();
        texts.iter().flat_map(|text| search.search(text.as_bytes())).filter_map(|id| id.as_i64()).collect()
    }

    // FAULT F-C1: whatever spoils an answer, its id is found.
    #[test]
    fn the_id_of_a_spoiled_answer_is_found() {
        for text in [
            r#"{"jsonrpc":"2.0","id":4,"result":{"mean":NaN}}"#,
            r#"{"result":{"mean":-Infinity},"jsonrpc":"2.0","id":4}"#,
            r#"{"jsonrpc":"2.0","id":4,"result":{"method":"bisection","at":undefined}}"#,
            r#"{"jsonrpc":"2.0","id":4,"result":{"a":[1,2,],},}"#,
            r#"{"jsonrpc":"2.0","id":4,"result":{"text":"cut"#,
            r#"{"jsonrpc":"2.0","id":4,"result":{}} done"#,
            r#"{"jsonrpc":"2.0","id":4,"error":{"code":0x1,"message":"}{\"id\":5"}}"#,
            r#"[INFO] {level: debug} {"jsonrpc":"2.0","id":4,"result":{}}"#,
            r#"{unclosed {"jsonrpc":"2.0","id":4,"result":{}}"#,
            r#"data: {"jsonrpc":"2.0","id":4,"result":{}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/x"}{"jsonrpc":"2.0","id":4,"result":{}}"#,
            r#""{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"a\":\"\\\"\"}}""#,
            r#"{'jsonrpc': '2.0', 'id': 4, 'result': {'text': "it's", 'ok': True, 'none': None}}"#,
            r#"{ jsonrpc: '2.0', id: 4, result: { content: [ [Object] ] } }"#,
            "{\u{0}\"\u{0}j\u{0}s\u{0}o\u{0}n\u{0}r\u{0}p\u{0}c\u{0}\"\u{0}:\u{0}1\u{0},\u{0}\"\u{0}i\u{0}d\u{0}\"\u{0}:\u{0}4\u{0},\u{0}\"\u{0}result\":{}}",
        ] {
            assert_eq!(found(&[text]), [4], "{text}");
        }
        let two = r#"{"id":4,"result":{}}{"id":5,"error":{}}"#;
        assert_eq!(found(&[two]), [4, 5]);
        assert_eq!(found(&[r#"{"id":4,"result":{}}{"id":4,"result":{}}"#]), [4]);
        assert_eq!(AnswerSearch::new().search(b"{'jsonrpc':1,'id':'a','result':0}"), ["a".into()]);
    }

    // FAULT F-C1: an answer over several lines, of any length, is found once.
    #[test]
    fn an_answer_over_several_lines_is_found() {
        for lines in [
            &["{", r#"  "jsonrpc": "2.0","#, r#"  "id": 4,"#, r#"  "result": {"#, "  }", "}"][..],
            &["answer: {", r#""result": {"#, "},", r#""id": 4"#, "}"],
            &[r#"{"result":{"text":"a"#, r#"b"},"jsonrpc":"2.0","id":4}"#],
            &["{", "  jsonrpc: '2.0',", "  id: 4,", "  result: {}", "}", "text"],
        ] {
            assert_eq!(found(lines), [4], "{lines:?}");
        }
        // Indented objects are parts of the answer, also those that look like one.
        let inner = [r#"        "id": 5,"#, r#"        "result": 1"#];
        let parts = [
            "{",
            r#"  "result": {"#,
            r#"    "content": ["#,
            "      {",
            inner[0],
            inner[1],
            "      }",
            "    ]",
        ];
        assert_eq!(found(&[&parts[..], &["  },", r#"  "id": 4"#, "}"]].concat()), [4]);
        let mut long = vec!["{", "\"result\": {"];
        long.extend(vec!["\"0123456789012345678901234567890123456789\": 1,"; 1000]);
        long.extend(["},", "\"id\": 4", "}"]);
        assert_eq!(found(&long), [4]);
        let mut search = AnswerSearch::new();
        assert_eq!(search.search(b"{\"result\": {},"), []);
        search.reset();
        assert_eq!(search.search(b"\"id\": 4}"), []);
    }

    /// What is not an answer settles nothing.
    #[test]
    fn other_texts_have_no_id() {
        for lines in [
            &["listening, id 4"][..],
            &["id: 4", "result: done"],
            &[r#"{"id":4,"method":"ping","params":NaN}"#],
            &[r#"{"level":"info","id":4}"#, "text"],
            &[r#"{"msg":"result","id":x}"#],
            &["{ id: 4, result: 'ok' }"],
            &["Sending: {'jsonrpc': '2.0', 'id': 4, 'result': {}}"],
            &[r#"{"a":{"id":4,"result":1}"#],
            &[r#"{"result":1,"id":{"id":4}}"#],
            &[r#"{"result":1,"id":4"#],
        ] {
            assert_eq!(found(lines), [0; 0], "{lines:?}");
        }
    }

    /// Time is linear: many brackets are not many walks over the whole text.
    #[test]
    fn many_brackets_cost_no_more_than_few() {
        let text = "x {".repeat(5_000_000);
        assert_eq!(AnswerSearch::new().search(text.as_bytes()), []);
        let id = "x".repeat(1_000_000);
        for long in
            [format!(r#"{{"result":1,"id":"{id}"}}"#), format!("{{'jsonrpc':'2.0','result':1,'id':'{id}'}}")]
        {
            assert_eq!(AnswerSearch::new().search(long.as_bytes()), []);
        }
    }
}
