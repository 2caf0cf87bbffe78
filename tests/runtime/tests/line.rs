//! The connection to the store, which a test can cut and mend.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// What comes in goes out.
    Up,
    /// Connections are closed, old ones and new ones.
    Cut,
    /// Connections are open, and nothing passes.
    Silent,
}

/// A port that leads to the store. It stays the same whatever happens to the line, because another program could take a
/// port that is given up for a moment.
#[derive(Debug)]
pub struct Relay {
    pub address: SocketAddr,
    line: watch::Sender<Line>,
    open: watch::Sender<usize>,
}

impl Relay {
    pub async fn start(store: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (line, state) = watch::channel(Line::Up);
        let open = watch::Sender::new(0);
        let count = open.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (state, count) = (state.clone(), count.clone());
                count.send_modify(|open| *open += 1);
                tokio::spawn(async move {
                    carry(client, store, state).await;
                    count.send_modify(|open| *open -= 1);
                });
            }
        });
        Self { address, line, open }
    }

    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Resolves once no connection is open.
    pub async fn closed(&self) {
        self.open.subscribe().wait_for(|open| *open == 0).await.unwrap();
    }
}

/// Carries one connection until the line changes; what was open then is lost.
async fn carry(mut client: TcpStream, store: SocketAddr, mut line: watch::Receiver<Line>) {
    let now = *line.borrow_and_update();
    match now {
        Line::Cut => {}
        Line::Silent => drop(line.changed().await),
        Line::Up => {
            let Ok(mut store) = TcpStream::connect(store).await else { return };
            tokio::select! {
                _ = copy_bidirectional(&mut client, &mut store) => {}
                _ = line.changed() => {
                    // Silence keeps the connection open.
                    let _ = line.wait_for(|line| *line != Line::Silent).await;
                }
            }
        }
    }
}
