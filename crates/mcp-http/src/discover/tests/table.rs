//! The decision table, a test for each row.

use crate::discover::Era;
use crate::discover::table::Question::{Legacy, Modern, Stream};
use crate::discover::table::{Decision, Observation, Question, judge};

fn versions(labels: &[&str]) -> Observation {
    Observation::Versions(labels.iter().map(|label| (*label).to_owned()).collect())
}

/// FAULT A-B4: a refusal is found once and not asked for five times, whatever its body says and whatever was asked.
#[test]
fn a_refusal_ends_the_search() {
    for status in [401, 403, 407, 408, 429, 500, 501, 502, 503, 504, 599] {
        for question in [Modern, Legacy, Stream] {
            for observed in
                [Observation::Foreign, Observation::Rpc, versions(&["2026-07-28"]), Observation::Cut]
            {
                assert_eq!(
                    judge(question, Some(status), &observed),
                    Decision::Refused,
                    "{status} {question:?} {observed:?}"
                );
            }
        }
    }
}

/// FAULT A-B4: statuses that only say "not here" are the ones that let the search go on; ERA-C-009: each is asked in
/// both eras first.
#[test]
fn not_here_goes_on() {
    for status in [400, 404, 405] {
        assert_eq!(judge(Modern, Some(status), &Observation::Foreign), Decision::Ask(Legacy));
        // SSE24-C-009: only these three may be a stream of 2024-11-05.
        assert_eq!(judge(Legacy, Some(status), &Observation::Foreign), Decision::Ask(Stream));
        assert_eq!(judge(Stream, Some(status), &Observation::Foreign), Decision::Next);
    }
}

/// FAULT A-B4, A-B32: a web page with status 200 is not the endpoint.
#[test]
fn a_2xx_without_mcp_goes_on() {
    for status in [200, 202, 204] {
        assert_eq!(judge(Modern, Some(status), &Observation::Foreign), Decision::Ask(Legacy));
        assert_eq!(judge(Legacy, Some(status), &Observation::Foreign), Decision::Next);
        assert_eq!(judge(Stream, Some(status), &Observation::Foreign), Decision::Next);
    }
}

/// SSE24-C-008: other refusals of `initialize` do not show an HTTP+SSE server, and not of another path either.
#[test]
fn other_refusals_of_initialize_end_the_search() {
    for status in [402, 406, 410, 413, 415, 422, 431] {
        assert_eq!(judge(Modern, Some(status), &Observation::Foreign), Decision::Ask(Legacy), "{status}");
        assert_eq!(judge(Legacy, Some(status), &Observation::Foreign), Decision::Refused, "{status}");
    }
}

/// FAULT A-B4: any answer in JSON-RPC proves the endpoint, errors too, with any status but a refusal's.
#[test]
fn an_answer_in_json_rpc_is_the_endpoint() {
    for status in [200, 400, 404, 405, 406, 415] {
        assert_eq!(judge(Modern, Some(status), &versions(&["2026-07-28"])), Decision::Found(Era::Modern));
        assert_eq!(judge(Modern, Some(status), &Observation::ModernError), Decision::Found(Era::Modern));
        assert_eq!(judge(Modern, Some(status), &Observation::Rpc), Decision::LookCloser);
        assert_eq!(judge(Legacy, Some(status), &Observation::Rpc), Decision::Found(Era::Legacy));
        assert_eq!(judge(Legacy, Some(status), &Observation::Initialized), Decision::Found(Era::Legacy));
        // A modern-only server says so to `initialize` (ERA-S-013).
        assert_eq!(judge(Legacy, Some(status), &versions(&["2026-07-28"])), Decision::Found(Era::Modern));
    }
}

/// T-08: who names legacy revisions only is asked `initialize`; unknown labels are from the future.
#[test]
fn the_revisions_decide_the_era() {
    assert_eq!(judge(Modern, Some(400), &versions(&["2025-11-25", "2025-06-18"])), Decision::LookCloser);
    assert_eq!(
        judge(Modern, Some(200), &versions(&["2025-11-25", "2026-07-28"])),
        Decision::Found(Era::Modern)
    );
    assert_eq!(judge(Modern, Some(400), &versions(&["2099-01-01"])), Decision::Found(Era::Modern));
    assert_eq!(judge(Modern, Some(400), &versions(&[])), Decision::Found(Era::Modern));
}

/// SSE24-S-002: the first event decides.
#[test]
fn an_endpoint_event_is_the_endpoint() {
    assert_eq!(judge(Stream, Some(200), &Observation::Endpoint), Decision::Found(Era::Legacy));
    for observed in
        [Observation::Foreign, Observation::Rpc, Observation::Initialized, versions(&["2026-07-28"])]
    {
        assert_eq!(judge(Stream, Some(200), &observed), Decision::Next);
    }
}

/// FAULT A-B5: silence uses up one candidate's share, not the search.
#[test]
fn silence_goes_on() {
    for question in [Modern, Legacy, Stream] {
        for status in [None, Some(200)] {
            assert_eq!(judge(question, status, &Observation::TimedOut), Decision::Next);
        }
    }
}

/// All candidates share the host, so one look is enough.
#[test]
fn a_host_that_cannot_be_reached_ends_the_search() {
    for question in [Modern, Legacy, Stream] {
        assert_eq!(judge(question, None, &Observation::Unreachable), Decision::Stop);
    }
}

/// FAULT A-B20: a redirect within the origin concerns this path; one to another origin concerns all.
#[test]
fn redirects_are_not_followed() {
    for question in [Modern, Legacy, Stream] {
        for status in [301, 302, 303, 307, 308] {
            assert_eq!(judge(question, Some(status), &Observation::Redirect { home: true }), Decision::Next);
            assert_eq!(judge(question, Some(status), &Observation::Redirect { home: false }), Decision::Stop);
        }
    }
}

/// A server may fall over an unknown first request; one that falls over `initialize` too is not worked with.
#[test]
fn a_broken_connection_gets_one_more_question() {
    assert_eq!(judge(Modern, None, &Observation::Cut), Decision::Ask(Legacy));
    assert_eq!(judge(Legacy, None, &Observation::Cut), Decision::Stop);
    assert_eq!(judge(Stream, None, &Observation::Cut), Decision::Stop);
}

/// What is asked at one URL only ever moves on, so each candidate ends.
#[test]
fn no_answer_leads_back() {
    let order = |question: Question| [Modern, Legacy, Stream].iter().position(|it| *it == question);
    let observed = [
        Observation::Rpc,
        Observation::Initialized,
        Observation::ModernError,
        Observation::Foreign,
        Observation::Endpoint,
        Observation::Cut,
        Observation::TimedOut,
        versions(&["2025-11-25"]),
    ];
    for question in [Modern, Legacy, Stream] {
        for observed in &observed {
            for status in [None, Some(200), Some(302), Some(400), Some(404), Some(418), Some(500)] {
                match judge(question, status, observed) {
                    Decision::Ask(next) => assert!(order(next) > order(question)),
                    Decision::LookCloser => assert_eq!(question, Modern),
                    _ => {}
                }
            }
        }
    }
}
