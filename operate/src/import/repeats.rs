//! Rows of a file that name one address, or one id of ours, more than once. All but the best of them are refused, in
//! whatever order they stand.

use std::collections::HashMap;

use ring::digest::{SHA256, digest};
use wardgate::domain::email::EmailKey;
use wardgate::domain::hex;
use wardgate::domain::id::UserId;

/// What every row names, in sixteen bytes each: 92 bits of a hash, two of how good the row is, and its number.
#[derive(Default)]
pub(super) struct Index(Vec<u128>);

const ROW_BITS: u32 = 34;
const RANK_BITS: u32 = 2;
const HASH_DIGITS: usize = 23;

impl Index {
    /// Adds a row. The highest `rank`, of 0 to 3, is the best one.
    pub(super) fn add(&mut self, row: u64, rank: u8, (address, own_id): &(EmailKey, Option<UserId>)) {
        self.insert(row, rank, address.as_str());
        if let Some(id) = own_id {
            self.insert(row, rank, &hex(digest(&SHA256, id.to_string().as_bytes()).as_ref()));
        }
    }

    fn insert(&mut self, row: u64, rank: u8, hash: &str) {
        let hash = hash.get(..HASH_DIGITS).and_then(|digits| u128::from_str_radix(digits, 16).ok()).unwrap_or_default();
        // Sorted, the best row of a hash is its first; of equally good ones, the first of the file.
        let worse = u128::from(3 - rank.min(3));
        self.0.push((hash << (RANK_BITS + ROW_BITS)) | (worse << ROW_BITS) | u128::from(row));
    }

    /// The rows that are not to be imported, each with the one that is.
    pub(super) fn repeated(mut self) -> HashMap<u64, u64> {
        self.0.sort_unstable();
        let row = |entry: u128| u64::try_from(entry & ((1 << ROW_BITS) - 1)).unwrap_or_default();
        let same = self.0.chunk_by(|one, other| one >> (RANK_BITS + ROW_BITS) == other >> (RANK_BITS + ROW_BITS));
        same.filter_map(|same| same.split_first())
            .flat_map(|(best, others)| others.iter().map(move |other| (row(*other), row(*best))))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use wardgate::domain::email::Email;
    use wardgate::domain::timestamp::Timestamp;

    use super::*;

    fn address(text: &str) -> EmailKey {
        Email::parse(text).unwrap().key()
    }

    #[test]
    fn the_best_row_of_an_address_wins_wherever_it_stands() {
        for (ranks, expected) in [
            ([0, 0, 0], vec![(2, 1), (3, 1)]),
            ([0, 1, 2], vec![(1, 3), (2, 3)]),
            ([2, 3, 1], vec![(1, 2), (3, 2)]),
            ([1, 3, 3], vec![(1, 2), (3, 2)]),
        ] {
            let mut index = Index::default();
            for (row, rank) in (1..).zip(ranks) {
                index.add(row, rank, &(address("a@example.com"), None));
                index.add(row + 10, rank, &(address(&format!("b{row}@example.com")), None));
            }
            let mut repeated: Vec<_> = index.repeated().into_iter().collect();
            repeated.sort_unstable();
            assert_eq!(repeated, expected, "{ranks:?}");
        }
    }

    #[test]
    fn two_rows_with_one_id_of_ours_are_one_account() {
        let id = Some(UserId::new(Timestamp::EPOCH, 7));
        let mut index = Index::default();
        index.add(1, 1, &(address("a@example.com"), id));
        index.add(2, 3, &(address("b@example.com"), id));
        assert_eq!(index.repeated(), HashMap::from([(1, 2)]));
    }
}
