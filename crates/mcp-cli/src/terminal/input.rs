//! Answers to what a server asks: from `--input`, from the person at the terminal, or a refusal.

use std::collections::VecDeque;
use std::sync::Arc;

use mcp_core::client::{ClientBuilder, InputContext, InputHandler};
use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::session::InputRequest;

use serde_json::Value;

use crate::background;
use crate::exit::{Code, Failure};
use crate::lock::Lock;
use crate::terminal::form;
use crate::text::{self, shell_words};

/// Answers questions, and remembers the unanswered ones. Clones share both.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    given: Arc<Lock<VecDeque<(String, RawJson)>>>,
    unanswered: Arc<Lock<Vec<Unanswered>>>,
    terminal: bool,
}

/// An unanswered question.
#[derive(Clone, Debug)]
struct Unanswered {
    /// What `--input` has to say.
    answer: String,
    question: String,
}

impl Answers {
    /// The answers of `--input`, in the order given. `terminal`: a person can be asked for the rest.
    pub(crate) fn new(given: &[(String, String)], terminal: bool) -> Result<Answers, Failure> {
        let parsed: Result<VecDeque<_>, Failure> = given
            .iter()
            .map(|(key, json)| match RawJson::parse(json.clone()) {
                Ok(value) => Ok((key.clone(), value)),
                Err(error) => {
                    Err(Failure::usage(format!("--input {key}: the answer is not JSON")).because(error))
                }
            })
            .collect();
        Ok(Answers { given: Arc::new(Lock::new(parsed?)), terminal, ..Answers::default() })
    }

    /// Only the answers of the user at the terminal, if there is one.
    pub(crate) fn at_terminal(terminal: bool) -> Answers {
        Answers { terminal, ..Answers::default() }
    }

    /// Adds answers of `--input`.
    pub(crate) fn give(&self, given: &[(String, String)]) -> Result<(), Failure> {
        let more = Answers::new(given, false)?;
        let mut more = more.given.lock();
        self.given.lock().append(&mut more);
        Ok(())
    }

    /// Declares what can be answered: elicitation always, so that a question comes and can be reported;
    /// the others only where the user has an answer ready.
    pub(crate) fn declare(&self, builder: ClientBuilder) -> ClientBuilder {
        let mode = RawJson::EMPTY_OBJECT;
        let modes = RawJson::object([("form", mode.clone()), ("url", mode)]);
        let mut builder = builder.capability("elicitation", modes);
        let given = self.given.lock();
        for name in ["sampling", "roots"] {
            if given.iter().any(|(key, _)| key == name) {
                builder = builder.capability(name, RawJson::EMPTY_OBJECT);
            }
        }
        builder
    }

    /// The error for the questions that have stayed unanswered since the last call.
    pub(crate) fn missing(&self) -> Option<Failure> {
        let mut unanswered = self.unanswered.lock();
        let first = unanswered.drain(..).next()?;
        Some(
            Failure::new(Code::Usage, format!("the tool asked for input: {}", first.question))
                .because("there is no terminal to ask at, and no --input answers it")
                .hint(format!("answer it with --input {}{}", first.answer, self.left_over())),
        )
    }

    /// What was given with `--input` and answered nothing.
    fn left_over(&self) -> String {
        let given = self.given.lock();
        let names: Vec<&str> = given.iter().map(|(key, _)| key.as_str()).collect();
        match names.is_empty() {
            true => String::new(),
            false => format!("; no question has the name `{}`", names.join("`, `")),
        }
    }

    /// The answer of `--input` for this question: the one with its key or its kind; else, where the era
    /// has no keys, the next one.
    fn take(&self, request: &InputRequest, keyed: bool) -> Option<RawJson> {
        let kind = request.method.as_str().split('/').next().unwrap_or_default();
        let mut given = self.given.lock();
        let found = given.iter().position(|(key, _)| *key == request.key || key == kind);
        let index = found.or_else(|| {
            // An answer that was made for another kind of question does not fit.
            let open = |key: &String| kind == "elicitation" && key != "sampling" && key != "roots";
            given.iter().position(|(key, _)| !keyed && open(key))
        })?;
        given.remove(index).map(|(_, answer)| answer)
    }
}

/// What `--input` could say: the kind of the question, which names it in each era, and for a form an answer that fits.
fn example(request: &InputRequest, params: &RawJson) -> String {
    let kind = request.method.as_str().split('/').next().unwrap_or_default();
    let schema: Value =
        params.member("requestedSchema").and_then(|form| form.deserialize().ok()).unwrap_or_default();
    let Some(fields) = schema.get("properties").and_then(Value::as_object).filter(|_| kind == "elicitation")
    else {
        return format!("{kind}=JSON");
    };
    let answer: serde_json::Map<String, Value> = fields
        .iter()
        .map(|(name, field)| (name.clone(), text::schema::sample(&schema, field, name)))
        .collect();
    format!("{kind}={}", shell_words::quote(&Value::Object(answer).to_string()))
}

/// An answer as the method's result: a bare form is an accepted one.
fn complete(request: &InputRequest, answer: RawJson) -> RawJson {
    if request.method == "elicitation/create" && answer.member("action").is_none() {
        return RawJson::object([("action", RawJson::string("accept")), ("content", answer)]);
    }
    answer
}

#[async_trait::async_trait]
impl InputHandler for Answers {
    async fn input(&self, request: InputRequest, context: InputContext) -> Result<RawJson, ErrorObject> {
        if let Some(answer) = self.take(&request, context.version.is_modern()) {
            return Ok(complete(&request, answer));
        }
        let params = request.params.clone().unwrap_or_default();
        if self.terminal && request.method == "elicitation/create" {
            // Reading a terminal blocks; a signal ends the program around it.
            let asked = background::run(move || form::ask(&params)).await;
            return asked.unwrap_or_else(|| Err(ErrorObject::internal("the terminal could not be read")));
        }
        let message = params.member("message").and_then(|message| message.to_text()).unwrap_or_default();
        let question = format!("{:?} ({})", text::headline(&message, 200), request.method);
        let unanswered = Unanswered { answer: example(&request, &params), question };
        self.unanswered.lock().push(unanswered);
        if request.method == "elicitation/create" {
            return Ok(RawJson::object([("action", RawJson::string("cancel"))]));
        }
        Err(ErrorObject::method_not_found(request.method.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(key: &str, method: &'static str) -> InputRequest {
        InputRequest::new(key, method, None)
    }

    fn answers(given: &[(&str, &str)]) -> Answers {
        let given: Vec<(String, String)> =
            given.iter().map(|(key, json)| ((*key).to_owned(), (*json).to_owned())).collect();
        Answers::new(&given, false).unwrap()
    }

    /// 2026-07-28 has keys: only the right one answers. Older revisions have none: the next one does.
    #[test]
    fn answers_are_taken_by_key_by_kind_or_in_order() {
        let given = answers(&[("name", "1"), ("city", "2"), ("roots", "3")]);
        assert_eq!(given.take(&question("age", "elicitation/create"), true), None);
        assert_eq!(given.take(&question("city", "elicitation/create"), true).unwrap().to_string(), "2");
        assert_eq!(given.take(&question("7", "roots/list"), false).unwrap().to_string(), "3");
        assert_eq!(given.take(&question("7", "sampling/createMessage"), false), None);
        assert_eq!(given.take(&question("7", "elicitation/create"), false).unwrap().to_string(), "1");
        assert_eq!(given.take(&question("8", "elicitation/create"), false), None);
    }

    #[test]
    fn a_bare_form_is_accepted_and_a_whole_answer_stays() {
        let ask = question("k", "elicitation/create");
        let bare = complete(&ask, RawJson::parse(r#"{"name":"Ada"}"#).unwrap());
        assert_eq!(bare.to_string(), r#"{"action":"accept","content":{"name":"Ada"}}"#);
        let whole = RawJson::parse(r#"{"action":"decline"}"#).unwrap();
        assert_eq!(complete(&ask, whole.clone()), whole);
    }

    /// A question without an answer is an error that says how to answer.
    #[test]
    fn an_unanswered_question_is_reported() {
        let answers = answers(&[("bad", "1")]);
        assert!(answers.missing().is_none());
        let form = r##"{"requestedSchema":{"type":"object","properties":{"sure":{"type":"boolean"},
            "how":{"$ref":"#/$defs/How"}},"$defs":{"How":{"enum":["slowly"]}}}}"##;
        let params = RawJson::parse(form).unwrap();
        let question = question("0-0123", "elicitation/create");
        let example = example(&question, &params);
        let unanswered = Unanswered { answer: example.clone(), question: "\"Who?\"".to_owned() };
        answers.unanswered.lock().push(unanswered);
        // What the hint says is an answer.
        let words = shell_words::split(&example).unwrap();
        let (kind, json) = words[0].split_once('=').unwrap();
        assert_eq!((kind, json), ("elicitation", r#"{"how":"slowly","sure":true}"#));
        let failure = answers.missing().unwrap();
        assert_eq!(failure.exit(), 2);
        assert!(failure.message.contains("Who?"), "{}", failure.message);
        let hint = failure.hint.unwrap();
        assert_eq!(hint, format!("answer it with --input {example}; no question has the name `bad`"));
        assert!(Answers::new(&[("k".to_owned(), "{".to_owned())], false).is_err());
    }
}
