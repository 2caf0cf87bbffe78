"""What `make failover` says of what follows, before it is asked to go on."""

import datetime

# How much later than a heartbeat something may arrive that was written before it: items arrive each by itself.
MARGIN = datetime.timedelta(minutes=5)


def loss(newest: datetime.datetime | None, at: datetime.datetime) -> str:
    """What may be missing."""
    if newest is None:
        return "No heartbeat has ever arrived here. What the other region wrote may be missing altogether."
    age = max((at - newest).total_seconds(), 0)
    return (
        f"The newest heartbeat here is of {newest:%Y-%m-%d %H:%M:%S} UTC. What was written in the last {age:.0f} s may "
        "be missing: registrations, changed passwords, ended sessions, lines of the audit trail."
    )


def follows(keeps: bool) -> str:
    """What people notice."""
    sessions = (
        f"Sessions go on, but for those that began less than {MARGIN.seconds // 60} minutes before that heartbeat. One "
        "that was ended in that time lives, and a refresh token that was exchanged in it works once more."
        if keeps
        else "Everybody has to sign in again."
    )
    return f"{sessions} Links and codes that were mailed before do nothing any more, and registrations begin again."
