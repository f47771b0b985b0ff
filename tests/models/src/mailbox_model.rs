//! The mailbox of the drivers: writers on any thread, one reader.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use shuttle::future::block_on;
use shuttle::thread;

use crate::every_interleaving;
use crate::mailbox::Mailbox;

/// Two writers: the reader gets every item, however they meet.
pub fn every_item_reaches_the_reader() {
    every_interleaving(|| {
        let mailbox = Arc::new(Mailbox::new());
        let first = {
            let mailbox = mailbox.clone();
            thread::spawn(move || mailbox.push(1).unwrap())
        };
        let second = {
            let mailbox = mailbox.clone();
            thread::spawn(move || mailbox.push_lossy(2, 9))
        };
        let mut seen = [block_on(mailbox.pop()), block_on(mailbox.pop())];
        seen.sort_unstable();
        assert_eq!(seen, [Some(1), Some(2)]);
        first.join().unwrap();
        second.join().unwrap();
    });
}

/// A reader that moved to another task is woken there, for an item and for the close.
pub fn only_the_last_task_of_the_reader_counts() {
    every_interleaving(|| {
        let mailbox = Arc::new(Mailbox::new());
        let mut earlier = Context::from_waker(Waker::noop());
        assert!(mailbox.poll_pop(&mut earlier).is_pending());
        let writer = {
            let mailbox = mailbox.clone();
            thread::spawn(move || {
                mailbox.push(1).unwrap();
                mailbox.close();
            })
        };
        assert_eq!(block_on(mailbox.pop()), Some(1));
        block_on(mailbox.ready());
        assert!(matches!(mailbox.poll_pop(&mut earlier), Poll::Ready(None)));
        writer.join().unwrap();
    });
}

/// At its bound a mailbox drops the oldest item and counts it: no item is there twice, none is lost without a count.
pub fn what_is_dropped_is_counted() {
    every_interleaving(|| {
        let mailbox = Arc::new(Mailbox::new());
        let writer = {
            let mailbox = mailbox.clone();
            thread::spawn(move || {
                mailbox.push_lossy(1, 1);
                mailbox.push_lossy(2, 1);
                mailbox.close();
            })
        };
        let seen = block_on(async {
            let mut seen = Vec::new();
            while let Some(item) = mailbox.pop().await {
                seen.push(item);
            }
            seen
        });
        writer.join().unwrap();
        assert!(seen.is_sorted() && seen.last() == Some(&2), "{seen:?}");
        assert_eq!(seen.len() as u64 + mailbox.dropped(), 2);
        assert_eq!(mailbox.take_unreported(), mailbox.dropped());
    });
}

/// A reader that leaves: an item is dropped with the mailbox or goes back to its writer, and none stays.
pub fn a_reader_that_leaves_leaves_nothing() {
    every_interleaving(|| {
        let mailbox = Arc::new(Mailbox::new());
        let item = Arc::new(());
        let writers = [0, 1].map(|_| {
            let (mailbox, item) = (mailbox.clone(), item.clone());
            thread::spawn(move || drop(mailbox.push(item)))
        });
        mailbox.abandon();
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!((mailbox.len(), Arc::strong_count(&item)), (0, 1));
    });
}
