//! VS Code's `inputs`: values that the user types when they are needed, each once.

use std::collections::HashMap;
use std::io::{self, BufRead, IsTerminal};

use mcp_core::message::RawJson;

use crate::terminal::out;
use crate::text;

/// The definition of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Input {
    pub(crate) id: String,
    kind: String,
    description: String,
    default: Option<String>,
    password: bool,
    options: Vec<String>,
}

/// The definitions of a file. What has no id cannot be referred to, and is left out.
pub(crate) fn parse(raw: &RawJson) -> Vec<Input> {
    let word = |input: &RawJson, key: &str| input.member(key).and_then(|word| word.to_text());
    let read = |input: RawJson| {
        Some(Input {
            id: word(&input, "id")?,
            kind: word(&input, "type").unwrap_or_else(|| "promptString".to_owned()),
            description: word(&input, "description").unwrap_or_default(),
            default: word(&input, "default"),
            password: input.member("password").is_some_and(|flag| flag.as_bytes() == b"true"),
            // An option is a string, or an object with a label and a value.
            options: (input.member("options").unwrap_or_default().elements().iter())
                .filter_map(|option| option.to_text().or_else(|| word(option, "value")))
                .collect(),
        })
    };
    raw.elements().into_iter().filter_map(read).collect()
}

/// Asks, and remembers the answers.
#[derive(Debug, Default)]
pub(crate) struct Asker {
    terminal: bool,
    answers: HashMap<String, String>,
}

impl Asker {
    /// Asks the person at the terminal, if there is one.
    pub(crate) fn at_terminal() -> Asker {
        let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        Asker { terminal, answers: HashMap::new() }
    }

    /// The value of the input with this id. Blocks while a person types.
    pub(crate) fn value(&mut self, id: &str, known: &[Input]) -> Result<String, String> {
        if let Some(answer) = self.answers.get(id) {
            return Ok(answer.clone());
        }
        let input = known
            .iter()
            .find(|input| input.id == id)
            .ok_or_else(|| format!("the input {id:?} is not among the file's `inputs`"))?;
        if !matches!(input.kind.as_str(), "promptString" | "pickString") {
            return Err(format!(
                "the input {id:?} comes from a {} of VS Code, which is not here",
                input.kind
            ));
        }
        if !self.terminal {
            // What an empty line would choose.
            if let Some(default) = &input.default {
                return Ok(default.clone());
            }
            return Err(format!("the input {id:?} has to be typed, and there is no terminal"));
        }
        let lines = || io::stdin().lock().lines().next().transpose();
        let hidden = || rpassword::read_password().map(Some);
        let answer =
            if input.password { ask(input, hidden, out::note) } else { ask(input, lines, out::note) }?;
        self.answers.insert(id.to_owned(), answer.clone());
        Ok(answer)
    }
}

fn ask(
    input: &Input,
    mut read: impl FnMut() -> io::Result<Option<String>>,
    say: impl Fn(String),
) -> Result<String, String> {
    let id = &input.id;
    loop {
        say(question(input));
        let line = read().map_err(|error| format!("the input {id:?} cannot be read: {error}"))?;
        let Some(line) = line else { return Err(format!("the input {id:?} was not given")) };
        let typed = line.trim_end_matches(['\r', '\n']);
        match (typed, &input.default) {
            ("", Some(default)) => return Ok(default.clone()),
            ("", None) => {}
            (typed, _) if input.options.is_empty() => return Ok(typed.to_owned()),
            (typed, _) => {
                let by_number = typed.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                let chosen = input.options.iter().find(|option| *option == typed);
                if let Some(chosen) = chosen.or_else(|| input.options.get(by_number?)) {
                    return Ok(chosen.clone());
                }
            }
        }
    }
}

fn question(input: &Input) -> String {
    let what = if input.description.is_empty() { &input.id } else { &input.description };
    let mut out = String::new();
    for (index, option) in input.options.iter().enumerate() {
        out.push_str(&format!("  {}. {}\n", index + 1, text::safe_line(option)));
    }
    let default = match &input.default {
        Some(_) if input.password => " [unchanged]".to_owned(),
        Some(default) => format!(" [{}]", text::safe_line(default)),
        None => String::new(),
    };
    format!("{out}{}{default}: ", text::safe_line(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> Vec<Input> {
        let json = r#"[{"id":"key","type":"promptString","description":"API key","password":true},
            {"id":"size","type":"pickString","options":["small",{"label":"Big","value":"big"}],"default":"small"},
            {"id":"cmd","type":"command","command":"x"},{"type":"promptString"}]"#;
        parse(&RawJson::parse(json).unwrap())
    }

    fn asked(id: &str, typed: &[&str]) -> Result<String, String> {
        let mut typed = typed.iter().map(|line| (*line).to_owned());
        let inputs = inputs();
        ask(inputs.iter().find(|input| input.id == id).unwrap(), || Ok(typed.next()), drop)
    }

    #[test]
    fn an_answer_is_a_text_an_option_or_its_number() {
        assert_eq!(inputs().len(), 3);
        assert_eq!(asked("key", &["", "x y"]).as_deref(), Ok("x y"));
        assert_eq!(asked("size", &[""]).as_deref(), Ok("small"));
        assert_eq!(asked("size", &["0", "9", "huge", "2"]).as_deref(), Ok("big"));
        assert!(asked("key", &[]).is_err());
    }

    #[test]
    fn without_a_terminal_the_error_names_the_input() {
        let mut asker = Asker::default();
        for id in ["key", "cmd", "other"] {
            let error = asker.value(id, &inputs()).unwrap_err();
            assert!(error.contains(&format!("{id:?}")), "{error}");
        }
    }
}
