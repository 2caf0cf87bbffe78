//! Calendar months in UTC, by which the audit trail is divided.

use std::fmt;

use time::OffsetDateTime;

use crate::domain::timestamp::Timestamp;

/// A month of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i32,
    /// 1 to 12.
    month: u8,
}

impl Month {
    /// The month that a time is in; that of the calendar's end for a time after it.
    pub fn of(time: Timestamp) -> Self {
        OffsetDateTime::from_unix_timestamp(time.unix_seconds())
            .map_or(Self { year: 9999, month: 12 }, |date| Self { year: date.year(), month: date.month().into() })
    }

    /// The months from this one back to `first`, both included.
    pub fn back_to(self, first: Self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |month| Some(month.previous())).take_while(move |month| *month >= first)
    }

    const fn previous(self) -> Self {
        match self.month {
            1 => Self { year: self.year - 1, month: 12 },
            month => Self { month: month - 1, ..self },
        }
    }
}

/// `2026-03`.
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(year: i32, month: u8) -> Month {
        Month { year, month }
    }

    #[test]
    fn a_time_is_in_its_utc_month() {
        assert_eq!(Month::of(Timestamp::from_millis(1_772_323_199_999)).to_string(), "2026-02");
        assert_eq!(Month::of(Timestamp::from_millis(1_772_323_200_000)).to_string(), "2026-03");
        assert_eq!(Month::of(Timestamp::from_millis(i64::MAX)).to_string(), "9999-12");
    }

    #[test]
    fn months_go_back_over_new_year_and_end_with_the_first() {
        let back: Vec<String> = month(2026, 2).back_to(month(2025, 11)).map(|month| month.to_string()).collect();
        assert_eq!(back, ["2026-02", "2026-01", "2025-12", "2025-11"]);
        assert_eq!(month(2026, 2).back_to(month(2026, 3)).count(), 0);
    }
}
