//! Connections: accepted while there is room, watched, closed in order.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use rustix::io::Errno;
use rustix::net::RecvFlags;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::serve::answer::Answerer;
use crate::serve::drain::{Stop, pause};
use crate::serve::gate::Gate;
use crate::serve::head::MAX_HEAD;
use crate::serve::limits::Limits;
use crate::serve::phase::Progress;

/// How long nothing is accepted when the system has no descriptor or memory left.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(10);
/// How much of what a client still sends is read after the last answer, and for how long: closed at once, its system
/// would throw the answer away.
const LINGER_BYTES: usize = 1024 * 1024;
const LINGER: Duration = Duration::from_secs(1);

/// One port.
pub(super) struct Port {
    pub(super) limits: Limits,
    pub(super) answerer: Answerer,
    pub(super) stage: watch::Receiver<Stop>,
    /// Permits for connections.
    pub(super) room: Arc<Semaphore>,
    /// Asks a connection that has waited longest to make room.
    pub(super) crowded: Notify,
}

/// Accepts until nothing more is taken, and then what the system has accepted by then. `alive` is held by every
/// connection.
pub(super) async fn accept(port: Arc<Port>, listener: TcpListener, alive: mpsc::Sender<()>) {
    let mut stage = port.stage.clone();
    let mut draining = pin!(stage.wait_for(|stage| stage.draining().is_some() || *stage == Stop::Over));
    loop {
        let accepted = tokio::select! {
            biased;
            _ = &mut draining => break,
            accepted = next(&port, &listener) => accepted,
        };
        let Some((stream, peer, permit)) = accepted else { continue };
        tokio::spawn(connection(Arc::clone(&port), stream, peer, permit, alive.clone()));
    }
    // Asked of the system itself: what the runtime has not heard of yet is there, too.
    let Ok(listener) = listener.into_std() else { return };
    let until = Instant::now() + port.limits.head;
    while let Ok((stream, peer)) = listener.accept() {
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        let permit = timeout_at(until, Arc::clone(&port.room).acquire_owned()).await;
        let (Ok(stream), Ok(Ok(permit))) = (stream, permit) else { break };
        tokio::spawn(connection(Arc::clone(&port), stream, peer, permit, alive.clone()));
    }
}

/// A permit first: what cannot be served waits with the system, which holds it for less.
async fn next(port: &Port, listener: &TcpListener) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = if let Ok(permit) = Arc::clone(&port.room).try_acquire_owned() {
        permit
    } else {
        port.crowded.notify_one();
        Arc::clone(&port.room).acquire_owned().await.ok()?
    };
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, permit)),
        // A client that has left again is no trouble of ours.
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => None,
        Err(error) => {
            tracing::warn!(cause = %error, "cannot accept a connection");
            pause(OUT_OF_DESCRIPTORS).await;
            None
        }
    }
}

/// Why a connection is looked at.
enum Event {
    /// hyper is done with it.
    Finished(bool),
    /// Its time is up.
    Late,
    /// Its place is needed.
    Crowded,
    /// Everything asked is answered, and nothing more is taken.
    Unneeded,
    /// The stop has gone on.
    Stop,
}

async fn connection(
    port: Arc<Port>,
    stream: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
    alive: mpsc::Sender<()>,
) {
    // An answer is written at once and is the last thing for a while.
    let _ = stream.set_nodelay(true);
    let (stream, progress) = (Arc::new(stream), Arc::new(Progress::new()));
    let service = service_fn(|request| port.answerer.answer(request, peer, &progress, port.stage.clone()));
    let gate = Gate::new(Arc::clone(&stream), Arc::clone(&progress));
    let mut http = http1::Builder::new();
    http.header_read_timeout(None::<Duration>).max_buf_size(2 * MAX_HEAD);
    let mut served = http.serve_connection(gate, service);
    let mut stage = port.stage.clone();
    let mut clock = pin!(sleep_until(Instant::now()));
    let mut crowded = pin!(port.crowded.notified());
    loop {
        let working = std::future::poll_fn(|cx| {
            if let Poll::Ready(result) = served.poll_without_shutdown(cx) {
                return Poll::Ready(Event::Finished(result.is_ok()));
            }
            let draining = port.stage.borrow().draining();
            if draining.is_some() && progress.is_idle() {
                return Poll::Ready(Event::Unneeded);
            }
            if !progress.is_waiting() {
                crowded.set(port.crowded.notified());
            } else if crowded.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Crowded);
            }
            let deadline = progress.deadline(&port.limits, draining);
            if clock.deadline() != deadline {
                clock.as_mut().reset(deadline);
            }
            clock.as_mut().poll(cx).map(|()| Event::Late)
        });
        let event = tokio::select! {
            biased;
            event = working => event,
            _ = stage.changed() => Event::Stop,
        };
        match event {
            Event::Finished(true) => {
                drop(served);
                linger(&stream).await;
                break;
            }
            Event::Finished(false) | Event::Late => break,
            Event::Crowded | Event::Unneeded if !has_more(&stream) => break,
            Event::Crowded => {
                // Its request is here already: somebody else's place is needed.
                crowded.set(port.crowded.notified());
                port.crowded.notify_one();
            }
            // The runtime is about to hear of the next request.
            Event::Unneeded => tokio::task::yield_now().await,
            Event::Stop if *stage.borrow_and_update() == Stop::Over => break,
            Event::Stop => {}
        }
    }
    drop((permit, alive));
}

/// Whether the system has something of the client's that was not read yet.
fn has_more(stream: &TcpStream) -> bool {
    let mut byte = [0; 1];
    matches!(rustix::net::recv(stream, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT), Ok((_, count)) if count > 0)
}

/// Says that nothing more comes, and waits for the client to have seen it.
async fn linger(stream: &TcpStream) {
    if rustix::net::shutdown(stream, rustix::net::Shutdown::Write) == Err(Errno::NOTCONN) {
        return;
    }
    let drained = async {
        let (mut piece, mut seen) = ([0; 4096], 0);
        while seen < LINGER_BYTES && stream.readable().await.is_ok() {
            match stream.try_read(&mut piece) {
                Ok(0) => return,
                Ok(count) => seen += count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    // A client that goes on is cut.
    let _ = timeout(LINGER, drained).await;
}
