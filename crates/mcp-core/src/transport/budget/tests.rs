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

#[test]
fn a_link_alone_reaches_a_quarter_and_an_owner_alone_a_half() {
    let budget = budget(4096, u64::MAX);
    let link = budget.link(&owner("ada"));
    let held = fill(&link);
    assert_eq!(held.len(), 1024);
    assert_eq!(link.take(1, 0).unwrap_err().scope, FullScope::Link);

    let links: Vec<LinkBudget> = (0..9).map(|_| budget.link(&owner("ada"))).collect();
    let more: Vec<Permit> = links.iter().flat_map(fill).collect();
    // Near the half each link's own share is small, so that a few places stay unused.
    let all = held.len() + more.len();
    assert!((2000..=2048).contains(&all), "{all}");
}

/// FIELD A9: links that hold their places for ever leave something for a newcomer.
#[test]
fn a_newcomer_gets_in_beside_slow_links() {
    let budget = budget(1024, u64::MAX);
    let slow: Vec<LinkBudget> = (0..6).map(|_| budget.link(&Owner::anonymous())).collect();
    let _held: Vec<Permit> = slow.iter().flat_map(fill).collect();
    let newcomer = fill(&budget.link(&Owner::anonymous()));
    assert!(newcomer.len() >= 32, "{}", newcomer.len());
}

/// The same with any number of links, if they come from one address.
#[test]
fn a_newcomer_gets_in_beside_any_number_of_links_of_one_address() {
    let at = |last| Owner::at_address([127, 0, 0, last].into());
    let budget = budget(1024, u64::MAX);
    let slow: Vec<LinkBudget> = (0..1000).map(|_| budget.link(&at(1))).collect();
    let _held: Vec<Permit> = slow.iter().flat_map(fill).collect();
    let newcomer = fill(&budget.link(&at(2)));
    assert!(newcomer.len() >= 128, "{}", newcomer.len());
}

#[test]
fn an_owner_with_many_links_leaves_half_to_others() {
    let budget = budget(100, u64::MAX);
    let links: Vec<LinkBudget> = (0..1000).map(|_| budget.link(&owner("greedy"))).collect();
    let held: Vec<Permit> = links.iter().filter_map(|link| link.take(1, 0).ok()).collect();
    assert_eq!(held.len(), 50);
    assert_eq!(links[0].take(1, 0).unwrap_err().scope, FullScope::Owner);
    let other = fill(&budget.link(&owner("modest")));
    assert!(other.len() >= 12, "{}", other.len());
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
    let first = budget.link_of(&key(1)).take(1, 0).unwrap();
    let second = budget.link_of(&key(1)).take(1, 0).unwrap();
    assert_eq!(budget.link_of(&key(1)).take(1, 0).unwrap_err().scope, FullScope::Link);
    let other = budget.link_of(&key(2)).take(1, 0).unwrap();
    drop(first);
    assert_eq!(budget.link_of(&key(1)).places(), 1);
    drop((other, second));
    assert_eq!(budget.link_of(&key(1)).places(), 0);
    assert!(budget.0.owners.lock().is_empty(), "nothing is kept of connections that hold nothing");
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
}
