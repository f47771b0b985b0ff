//! Plays a transcript input by input, and compares the output after each.

use super::actor::{Actor, Role, inbound};
use super::client::ClientActor;
use super::compare::matches;
use super::parse::{Kind, Line, Script, parse};
use super::server::ServerActor;

/// The outcome of a transcript.
#[derive(Debug)]
#[non_exhaustive]
pub struct Played {
    /// The differences, one text for each input.
    pub differences: Vec<String>,
    /// The transcript with the actual output.
    pub updated: String,
}

/// Plays a transcript given as text.
///
/// # Errors
///
/// What is wrong with the text itself.
pub fn play(text: &str) -> Result<Played, String> {
    let Script { header, lines } = parse(text)?;
    let mut actor: Box<dyn Actor> = match header.role()? {
        Role::Client => Box::new(ClientActor::new(&header)?),
        Role::Server => Box::new(ServerActor::new(&header)?),
    };
    let mut played = Played { differences: Vec::new(), updated: String::new() };
    let mut batches = 0;
    let mut rest = &lines[..];
    // Output before the first input belongs to the start.
    while !rest.is_empty() || played.updated.is_empty() {
        let inputs = rest.iter().take(1).filter(|line| is_input(line)).count();
        let end = rest[inputs..].iter().position(is_input).map_or(rest.len(), |next| inputs + next);
        let (block, after) = rest.split_at(end);
        if let Some(line) = block.first() {
            let at = |why: String| format!("line {}: {why}\n  {}", line.number, line.text);
            match &line.kind {
                Kind::Say { lane, text } => actor.say(inbound(text, *lane, &mut batches)),
                Kind::Advance(time) => actor.advance(*time),
                Kind::Do { verb, rest } => actor.act(verb, rest).map_err(at)?,
                Kind::Nothing | Kind::Expect => {}
            }
        }
        settle(block, &actor.take(), &mut played);
        rest = after;
        if block.is_empty() {
            break;
        }
    }
    Ok(played)
}

fn is_input(line: &Line) -> bool {
    matches!(line.kind, Kind::Say { .. } | Kind::Advance(_) | Kind::Do { .. })
}

/// Compares the output with what the block expects, and rewrites the block.
fn settle(block: &[Line], said: &[String], played: &mut Played) {
    let expected: Vec<&Line> = block.iter().filter(|line| matches!(line.kind, Kind::Expect)).collect();
    let same = |(expected, said): (&&Line, &String)| matches(&expected.text, said);
    if expected.len() == said.len() && expected.iter().zip(said).all(same) {
        for line in block {
            push(&mut played.updated, &line.text);
        }
        return;
    }
    let after = block.first().map_or(0, |line| line.number);
    let list = |lines: Vec<&str>| lines.iter().map(|line| format!("    {line}\n")).collect::<String>();
    played.differences.push(format!(
        "  after line {after}, expected:\n{}  but it said:\n{}",
        list(expected.iter().map(|line| line.text.as_str()).collect()),
        list(said.iter().map(String::as_str).collect()),
    ));
    // Comments stay in place: before the output that they preceded, or after the last of it.
    let is_expected = |line: &Line| matches!(line.kind, Kind::Expect);
    let empty_tail = block.iter().rev().take_while(|line| line.text.trim().is_empty()).count();
    let tail = match block.iter().rposition(is_expected) {
        Some(last) => last + 1,
        None if block.first().is_some_and(is_input) => 1,
        None => block.len() - empty_tail,
    };
    for line in block[..tail].iter().filter(|line| !is_expected(line)) {
        push(&mut played.updated, &line.text);
    }
    for (index, said) in said.iter().enumerate() {
        let kept = expected.get(index).filter(|line| matches(&line.text, said));
        push(&mut played.updated, kept.map_or(said.as_str(), |line| line.text.as_str()));
    }
    for line in &block[tail..] {
        push(&mut played.updated, &line.text);
    }
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
