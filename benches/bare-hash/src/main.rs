//! Argon2id and nothing else: `bare-hash <m> <t> <p>` hashes once for each line that it reads, in memory that it keeps,
//! and answers with the microseconds that it took.
#![expect(clippy::print_stdout, reason = "what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::error::Error;
use std::time::Instant;

use argon2::{Algorithm, Argon2, Block, Params, Version};

fn main() -> Result<(), Box<dyn Error>> {
    let costs: Vec<u32> = std::env::args().skip(1).map(|cost| cost.parse()).collect::<Result<_, _>>()?;
    let [memory, iterations, parallelism] = *costs else { return Err("usage: bare-hash <m> <t> <p>".into()) };
    let params = Params::new(memory, iterations, parallelism, None)?;
    let mut blocks = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    for line in std::io::stdin().lines() {
        let (password, mut hash) = (line?, [0; Params::DEFAULT_OUTPUT_LEN]);
        let started = Instant::now();
        argon2.hash_password_into_with_memory(password.as_bytes(), &[0; 16], &mut hash, &mut blocks)?;
        println!("{}", started.elapsed().as_micros());
    }
    Ok(())
}
