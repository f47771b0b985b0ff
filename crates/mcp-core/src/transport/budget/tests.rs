//! Shares, their sums, and that everything comes back.

use proptest::prelude::*;

use super::*;
use crate::transport::Identity;

fn owner(name: &str) -> Owner {
    Identity::new(name).owner()
}

fn budget(places: u64, bytes: u64) -> Budget {
    Budget::new("test", Limits::new(places, bytes))
}

/// Takes single places until the link is refused.
fn fill(link: &LinkBudget) -> Vec<Permit> {
    std::iter::from_fn(|| link.take(1, 0).ok()).collect()
}

/// FAULT F-A9: a share is reduced only for links and owners that ask.
#[test]
fn a_link_that_asks_alone_has_all_but_a_reserve() {
    for (places, most) in [(1, 1), (8, 8), (16, 16), (20, 19), (1024, 772)] {
        let budget = budget(places, u64::MAX);
        // Idle links ask for nothing.
        let (_same, _other) = (budget.link(&owner("ada")), budget.link(&owner("bob")));
        for link in [budget.link(&owner("ada")), budget.link(&Owner::anonymous())] {
            assert_eq!(fill(&link).len(), most, "of {places}");
        }
    }
}

#[test]
fn an_owner_that_asks_alone_has_all_but_a_reserve() {
    let budget = budget(1024, u64::MAX);
    let links: Vec<LinkBudget> = (0..2000).map(|_| budget.link(&owner("ada"))).collect();
    let held: Vec<Permit> = links.iter().flat_map(fill).collect();
    assert_eq!(held.len(), 898);
    assert_eq!(fill(&budget.link(&owner("bob"))).len(), 31, "a third of what is free, while others ask");
}

#[test]
fn beside_others_a_link_reaches_a_quarter_and_an_owner_a_half() {
    let budget = budget(4096, u64::MAX);
    let _other = budget.link(&owner("bob")).take(1, 0).unwrap();
    let link = budget.link(&owner("ada"));
    let held = fill(&link);
    assert_eq!(held.len(), 1023);
    assert_eq!(link.take(1, 0).unwrap_err().scope, FullScope::Link);

    let links: Vec<LinkBudget> = (0..9).map(|_| budget.link(&owner("ada"))).collect();
    let more: Vec<Permit> = links.iter().flat_map(fill).collect();
    // Near the half each link's own share is small, so that a few places stay unused.
    let all = held.len() + more.len();
    assert!((2000..=2048).contains(&all), "{all}");
}

/// FAULT F-A9: a link that took everything gets nothing until the newcomer has its share.
#[test]
fn a_newcomer_that_waits_gets_what_comes_back() {
    let budget = budget(8, u64::MAX);
    let (first, second) = (budget.link(&Owner::anonymous()), budget.link(&Owner::anonymous()));
    let mut held = fill(&first);
    assert_eq!(held.len(), 8);
    assert_eq!(second.take(1, 0).unwrap_err().scope, FullScope::Server);
    // Without the wait, whoever comes first takes it.
    held.pop();
    held.extend(first.take(1, 0));
    assert_eq!(held.len(), 8);

    let waiting = second.waiting();
    held.pop();
    assert_eq!(first.take(1, 0).unwrap_err().scope, FullScope::Link);
    let permit = second.take(1, 0).unwrap();
    drop(waiting);
    held.pop();
    assert!(first.take(1, 0).is_err(), "the permit asks as the wait did");
    drop(permit);
    assert!(first.take(1, 0).is_ok(), "nobody else asks any more");
}

/// FAULT F-A9: links that hold their places forever leave something for a newcomer.
#[test]
fn a_newcomer_gets_in_beside_slow_links() {
    let budget = budget(1024, u64::MAX);
    let slow: Vec<LinkBudget> = (0..6).map(|_| budget.link(&Owner::anonymous())).collect();
    // At once: each has the same.
    let mut held: Vec<Permit> = Vec::new();
    for _ in 0..1024 {
        held.extend(slow.iter().filter_map(|link| link.take(1, 0).ok()));
    }
    assert!(slow.iter().all(|link| (112..=115).contains(&link.places())), "{slow:?}");
    let newcomer = fill(&budget.link(&Owner::anonymous()));
    assert!(newcomer.len() >= 80, "{}", newcomer.len());

    // One after the other: the first was alone, and the reserve is what the others share.
    drop((held, newcomer));
    let _held: Vec<Permit> = slow.iter().flat_map(fill).collect();
    let newcomer = fill(&budget.link(&Owner::anonymous()));
    assert!(newcomer.len() >= 12, "{}", newcomer.len());
}

/// The same with any number of links, if they come from one address.
#[test]
fn a_newcomer_gets_in_beside_any_number_of_links_of_one_address() {
    let at = |last| Owner::at_address([127, 0, 0, last].into());
    let budget = budget(1024, u64::MAX);
    let slow: Vec<LinkBudget> = (0..1000).map(|_| budget.link(&at(1))).collect();
    let _held: Vec<Permit> = slow.iter().flat_map(fill).collect();
    let newcomer = fill(&budget.link(&at(2)));
    assert!(newcomer.len() >= 24, "{}", newcomer.len());
}

#[test]
fn an_owner_with_many_links_leaves_half_to_others() {
    let budget = budget(100, u64::MAX);
    let other = budget.link(&owner("modest"));
    let waiting = other.waiting();
    let links: Vec<LinkBudget> = (0..1000).map(|_| budget.link(&owner("greedy"))).collect();
    let held: Vec<Permit> = links.iter().filter_map(|link| link.take(1, 0).ok()).collect();
    assert_eq!(held.len(), 50);
    assert_eq!(links[0].take(1, 0).unwrap_err().scope, FullScope::Owner);
    let other = fill(&other);
    assert!(other.len() >= 12, "{}", other.len());
    drop(waiting);
}

#[test]
fn one_place_serves_one_link_at_a_time() {
    let budget = budget(1, 10);
    let link = budget.link(&owner("ada"));
    let permit = link.take(1, 5).unwrap();
    assert_eq!(budget.link(&owner("bob")).take(1, 0).unwrap_err().scope, FullScope::Server);
    drop(permit);
    assert!(budget.link(&owner("bob")).take(1, 0).is_ok());
}

#[test]
fn the_error_names_the_limit_and_nothing_is_held_after_it() {
    let budget = Budget::new("bodies under way", Limits::new(8, 1000).with_link(8, 300));
    let link = budget.link(&owner("ada"));
    let _others_ask = budget.link(&owner("bob")).waiting();
    let mut permit = link.take(1, 200).unwrap();
    let full = permit.grow(101).unwrap_err();
    assert_eq!(full.to_string(), "the limit \"bodies under way\" is reached: 200 of 233 bytes for one link");
    assert_eq!((permit.bytes(), budget.bytes(), budget.places()), (200, 200, 1));
    permit.shrink(150);
    permit.grow(100).unwrap();
    assert_eq!((permit.bytes(), link.bytes()), (150, 150));
    // More than the permit holds: all of it.
    permit.shrink(u64::MAX);
    assert_eq!((permit.bytes(), permit.places(), budget.bytes()), (0, 1, 0));
}

#[test]
fn an_owner_without_links_and_permits_is_forgotten() {
    let budget = budget(8, 8);
    for round in 0..100 {
        let _link = budget.link(&owner(&format!("caller {round}")));
    }
    assert!(budget.0.owners.lock().is_empty());
    let link = budget.link(&owner("ada"));
    let permit = link.take(1, 1).unwrap();
    drop(link);
    // The permit keeps the count of its owner alive.
    assert_eq!(budget.0.owners.lock().len(), 1);
    drop(permit);
    assert!(budget.0.owners.lock().is_empty());
}

/// Over HTTP each POST is a link of the contract; the connection is what has a share.
#[test]
fn messages_of_one_connection_have_one_share() {
    let budget = budget(8, 8);
    let key = |number| BudgetKey::new(owner("ada"), number);
    let _others_ask = budget.link(&owner("bob")).waiting();
    let first = budget.link_of(&key(1)).take(1, 0).unwrap();
    let second = budget.link_of(&key(1)).take(1, 0).unwrap();
    assert_eq!(budget.link_of(&key(1)).take(1, 0).unwrap_err().scope, FullScope::Link);
    let other = budget.link_of(&key(2)).take(1, 0).unwrap();
    drop(first);
    assert_eq!(budget.link_of(&key(1)).places(), 1);
    drop((other, second));
    assert_eq!(budget.link_of(&key(1)).places(), 0);
    assert_eq!(budget.0.owners.lock().len(), 1, "nothing is kept of connections that hold nothing");
}

#[test]
fn a_key_remembers_the_share_of_each_budget() {
    let key = BudgetKey::new(owner("ada"), 1);
    // More than it has space for.
    let budgets: Vec<Budget> = (0..12).map(|_| budget(8, 8)).collect();
    let _first: Vec<Permit> = budgets.iter().map(|budget| budget.link_of(&key).take(1, 0).unwrap()).collect();
    let clone = key.clone();
    for budget in &budgets {
        assert_eq!(budget.link_of(&clone).places(), 1);
    }
    assert!(Arc::ptr_eq(&budgets[0].link_of(&key).0, &budgets[0].link_of(&clone).0));
    assert_eq!((key.clone(), format!("{key:?}").contains("ada")), (BudgetKey::new(owner("ada"), 1), false));
}

#[test]
fn an_envelope_names_the_share() {
    let budget = budget(8, 8);
    let key = BudgetKey::new(Owner::at_address([127, 0, 0, 1].into()), 1);
    let both = Envelope::default().with(key.clone()).with(Identity::new("ada"));
    assert!(
        Arc::ptr_eq(&budget.link_for(&both).0, &budget.link_of(&key).0),
        "the key counts before the identity"
    );
    let of = |envelope: &Envelope| budget.link_for(envelope).0.owner.owner.clone();
    assert_eq!(of(&Envelope::default().with(Identity::new("ada"))), owner("ada"));
    assert_eq!(of(&Envelope::default()), Owner::anonymous());
}

#[test]
fn no_limit_is_never_reached() {
    let link = Budget::new("none", Limits::UNLIMITED).link(&Owner::anonymous());
    let _held = link.take(1 << 40, 1 << 60).unwrap();
    assert!(link.take(1, u64::MAX).is_err(), "a sum that does not fit is refused, and does not wrap");
}

#[derive(Clone, Debug)]
enum Step {
    Take { link: usize, places: u64, bytes: u64 },
    Grow { permit: usize, bytes: u64 },
    Shrink { permit: usize, bytes: u64 },
    Drop { permit: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..6_usize, 0..3_u64, 0..80_u64).prop_map(|(link, places, bytes)| Step::Take {
            link,
            places,
            bytes
        }),
        (0..40_usize, 0..80_u64).prop_map(|(permit, bytes)| Step::Grow { permit, bytes }),
        (0..40_usize, 0..80_u64).prop_map(|(permit, bytes)| Step::Shrink { permit, bytes }),
        (0..40_usize).prop_map(|permit| Step::Drop { permit }),
    ]
}

proptest! {
    /// The sums are those of the permits, within the limits, after any sequence; at the end everything is back.
    #[test]
    fn sums_hold(steps in proptest::collection::vec(step(), 0..200)) {
        let budget = budget(20, 500);
        let owners = ["ada", "bob", "eve"].map(owner);
        let links: Vec<LinkBudget> = (0..6).map(|n| budget.link(&owners[n % 3])).collect();
        let mut permits: Vec<Permit> = Vec::new();
        for step in steps {
            match step {
                Step::Take { link, places, bytes } => permits.extend(links[link].take(places, bytes).ok()),
                Step::Grow { permit, bytes } => if let Some(permit) = permits.get_mut(permit) {
                    let _refused = permit.grow(bytes);
                },
                Step::Shrink { permit, bytes } => if let Some(permit) = permits.get_mut(permit) {
                    permit.shrink(bytes);
                },
                Step::Drop { permit } => if permit < permits.len() {
                    drop(permits.swap_remove(permit));
                },
            }
            prop_assert_eq!(budget.places(), permits.iter().map(Permit::places).sum::<u64>());
            prop_assert_eq!(budget.bytes(), permits.iter().map(Permit::bytes).sum::<u64>());
            prop_assert!(budget.places() <= 20 && budget.bytes() <= 500);
            prop_assert_eq!(budget.places(), links.iter().map(LinkBudget::places).sum::<u64>());
        }
        permits.clear();
        prop_assert_eq!((budget.places(), budget.bytes()), (0, 0));
    }

    /// No link and no owner gets beyond its share while others ask; one that asks alone is not throttled.
    #[test]
    fn shares_hold(steps in proptest::collection::vec((0..6_usize, 0..4_u8, any::<prop::sample::Index>()), 0..300)) {
        const PLACES: u64 = 64;
        let budget = budget(PLACES, u64::MAX);
        let owners = ["ada", "ada", "bob", "bob", "eve", "eve"].map(owner);
        let links: Vec<LinkBudget> = owners.iter().map(|owner| budget.link(owner)).collect();
        let mut waiting: Vec<Option<Waiting>> = (0..6).map(|_| None).collect();
        let mut permits: Vec<Vec<Permit>> = (0..6).map(|_| Vec::new()).collect();
        for (n, action, index) in steps {
            match action {
                0 | 1 => {
                    let asks = |other: usize| !permits[other].is_empty() || waiting[other].is_some();
                    let others = (0..6).any(|other| other != n && asks(other));
                    let strangers = (0..6).any(|other| owners[other] != owners[n] && asks(other));
                    let before = budget.places();
                    let taken = links[n].take(1, 0);
                    let free = PLACES - before - u64::from(taken.is_ok());
                    let own = links[n].places();
                    let all_own: u64 = (0..6).filter(|other| owners[*other] == owners[n]).map(|other| links[other].places()).sum();
                    if taken.is_ok() {
                        prop_assert!(!others || own <= (free / 3).max(1), "link {} of {}", own, free);
                        prop_assert!(!strangers || all_own <= free.max(1), "owner {} of {}", all_own, free);
                    } else {
                        prop_assert!(others || own >= PLACES - (PLACES - 16) / 4, "a lone link was refused at {}", own);
                        prop_assert!(before < PLACES || own > 0 || others);
                    }
                    permits[n].extend(taken);
                }
                2 => if !permits[n].is_empty() {
                    let at = index.index(permits[n].len());
                    drop(permits[n].swap_remove(at));
                },
                _ => waiting[n] = match waiting[n].take() {
                    Some(_over) => None,
                    None => Some(links[n].waiting()),
                },
            }
        }
        drop((permits, waiting));
        prop_assert_eq!(budget.0.asking_links.load(Ordering::Relaxed), 0);
        prop_assert_eq!(budget.0.asking_owners.load(Ordering::Relaxed), 0);
    }
}
