//! The client's connections to one origin: who opens one, and who shares it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

use shuttle::future::block_on;
use shuttle::sync::Barrier;
use shuttle::thread;

use super::config::{HttpVersions, NetConfig};
use super::dial::Dialler;
use super::origin::Origin;
use super::pool::{Lease, Pool};
use crate::{HttpError, every_interleaving};

struct Setup {
    pool: Arc<Pool>,
    dials: Arc<AtomicUsize>,
}

/// A pool whose server speaks HTTP/2 or HTTP/1.1, which the client learns by TLS.
fn setup(h2: bool, failures: usize) -> Setup {
    let dials = Arc::<AtomicUsize>::default();
    let dialler = Dialler { h2, failures, dials: dials.clone() };
    let config =
        NetConfig { versions: HttpVersions::Auto, timeouts: Default::default(), response_headers: 0 };
    Setup { pool: Arc::new(Pool::new(Origin { https: true }, dialler, &config)), dials }
}

/// As an exchange gets its connection.
fn lease(pool: &Arc<Pool>) -> Result<Lease, HttpError> {
    match pool.take() {
        Some(lease) => Ok(lease),
        None => block_on(pool.open()),
    }
}

fn spawn<T: Send + 'static>(
    pool: &Arc<Pool>,
    run: impl FnOnce(&Arc<Pool>) -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let pool = pool.clone();
    thread::spawn(move || run(&pool))
}

/// Callers at once open one HTTP/2 connection and share it.
pub fn one_http2_connection_serves_all() {
    every_interleaving(|| {
        let Setup { pool, dials } = setup(true, 0);
        let other = spawn(&pool, |pool| lease(pool).unwrap());
        let ours = lease(&pool).unwrap();
        let (Lease::Http2(ours), Lease::Http2(other)) = (ours, other.join().unwrap()) else {
            panic!("HTTP/1.1")
        };
        assert_eq!(ours.connection(), other.connection());
        assert_eq!(dials.load(Ordering::SeqCst), 1);
    });
}

/// A caller that fails to open a connection lets the next one try.
pub fn a_failure_lets_the_next_caller_open() {
    every_interleaving(|| {
        let Setup { pool, dials } = setup(true, 1);
        let other = spawn(&pool, |pool| lease(pool).is_ok());
        let ours = lease(&pool).is_ok();
        assert!(ours ^ other.join().unwrap());
        assert_eq!(dials.load(Ordering::SeqCst), 2);
    });
}

/// The same for one that gives up while it opens.
pub fn a_caller_that_gives_up_lets_the_next_one_open() {
    every_interleaving(|| {
        let Setup { pool, dials } = setup(true, 0);
        let other = spawn(&pool, |pool| {
            // One poll at most begins to dial; then the caller is gone.
            let _given_up = pin!(pool.open()).poll(&mut Context::from_waker(Waker::noop())).is_ready();
        });
        lease(&pool).unwrap();
        other.join().unwrap();
        assert!((1..=2).contains(&dials.load(Ordering::SeqCst)));
    });
}

/// Connections of HTTP/1.1 serve one exchange each, and no caller waits for the exchange of another.
pub fn http1_callers_do_not_wait_for_each_other() {
    every_interleaving(|| {
        let Setup { pool, dials } = setup(false, 0);
        let both_lease = Arc::new(Barrier::new(2));
        let exchange = |pool: &Arc<Pool>, both_lease: &Barrier| match lease(pool).unwrap() {
            Lease::Http1(wire) => {
                both_lease.wait();
                pool.park(wire);
            }
            Lease::Http2(_) => panic!("HTTP/2"),
        };
        let other = {
            let both_lease = both_lease.clone();
            spawn(&pool, move |pool| exchange(pool, &both_lease))
        };
        exchange(&pool, &both_lease);
        other.join().unwrap();
        assert_eq!(dials.load(Ordering::SeqCst), 2);
        let kept = [pool.take(), pool.take(), pool.take()];
        assert!(matches!(kept, [Some(Lease::Http1(_)), Some(Lease::Http1(_)), None]));
    });
}

/// A connection that was parked is used by one caller, and the other opens one; nothing is lost.
pub fn a_parked_connection_goes_to_one_caller() {
    every_interleaving(|| {
        let Setup { pool, dials } = setup(false, 0);
        let Lease::Http1(wire) = lease(&pool).unwrap() else { panic!("HTTP/2") };
        let other = spawn(&pool, |pool| lease(pool).unwrap());
        pool.park(wire);
        let _ours = lease(&pool).unwrap();
        let _theirs = other.join().unwrap();
        // Two are held; if the other was first, ours was never parked again.
        assert_eq!(dials.load(Ordering::SeqCst), 2);
        assert!(pool.take().is_none());
    });
}

/// After the server ended a connection, callers open one new connection.
pub fn a_new_connection_follows_one_that_ended() {
    every_interleaving(|| {
        let Setup { pool, dials } = setup(true, 0);
        let Lease::Http2(first) = lease(&pool).unwrap() else { panic!("HTTP/1.1") };
        first.goes_away();
        let other = spawn(&pool, |pool| lease(pool).unwrap());
        let _ours = lease(&pool).unwrap();
        let _theirs = other.join().unwrap();
        assert_eq!(dials.load(Ordering::SeqCst), 2);
    });
}
