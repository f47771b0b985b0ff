//! Causes and texts of errors.

use super::*;
use crate::transport::{ErrorChain, SendError};

#[derive(Debug, thiserror::Error)]
#[error("refused by the firewall")]
struct Inner;

/// Every variant of every error that can have a cause.
fn with_cause() -> Vec<Box<dyn StdError>> {
    let mut errors: Vec<Box<dyn StdError>> = Vec::new();
    let connect = || {
        [ConnectError::unreachable(Inner), ConnectError::unusable(Inner), ConnectError::unauthorized(Inner)]
    };
    let kinds = [
        LossKind::NotUnderstood,
        LossKind::Unauthorized,
        LossKind::busy(None),
        LossKind::busy(Some(Duration::from_secs(2))),
        LossKind::PeerFailed,
        LossKind::Unreachable,
        LossKind::Cut,
        LossKind::session_lost(true),
        LossKind::TooLarge,
        LossKind::TimedOut,
        LossKind::NoRoute,
    ];
    let report = CloseReport { exit: Some(1), ..CloseReport::default() };
    let mut calls: Vec<Error> = kinds.map(|kind| Error::Lost(Loss::new(kind, Inner))).into();
    for closed in [CloseReport::default(), report] {
        calls.push(Error::Closed(CloseReason::LinkFailed { error: TransportError::new(Inner), closed }));
    }
    calls.extend(connect().map(|error| Error::Closed(CloseReason::NoLink(error))));
    let nested = |error: &Error| Error::Closed(CloseReason::OpeningFailed(Box::new(error.clone())));
    calls.extend(calls.iter().map(nested).collect::<Vec<_>>());
    for error in calls {
        if let Error::Closed(reason) = &error {
            errors.push(Box::new(reason.clone()));
        }
        errors.push(Box::new(error));
    }
    errors.extend(connect().map(|error| Box::new(error) as Box<dyn StdError>));
    for kind in kinds {
        errors.push(Box::new(Loss::new(kind, Inner)));
        errors.push(Box::new(SendError::rejected(kind, Inner)));
    }
    errors.push(Box::new(SendError::fatal(Inner)));
    errors
}

#[test]
fn the_source_reaches_the_error_of_the_transport() {
    for error in with_cause() {
        let mut chain = std::iter::successors(Some(&*error), |&error| error.source());
        assert!(chain.any(|error| error.is::<Inner>()), "{error:?}");
    }
}

/// `ErrorChain` prints a chain, so it shows what a chain repeats.
#[test]
fn a_chain_says_each_thing_once() {
    for error in with_cause() {
        let text = ErrorChain::new(&*error).to_string();
        let parts: Vec<&str> = text.split(": ").collect();
        for (n, part) in parts.iter().enumerate() {
            assert!(!parts[..n].contains(part), "{text}");
        }
        assert!(text.ends_with(": refused by the firewall"), "{text}");
    }
}

#[test]
fn an_error_of_the_link_is_not_wrapped_twice() {
    let error = TransportError::new(TransportError::new(Inner));
    assert!(error.get_ref().is::<Inner>());
}
