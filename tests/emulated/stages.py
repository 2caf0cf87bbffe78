"""What each stage is asked, in this order, and how it went."""

import time
import traceback
from collections.abc import Callable
from typing import TypeAlias

from emulated import (
    accounts,
    applications,
    canary,
    checks,
    delivery,
    deploys,
    destroys,
    edge_sync,
    edges,
    lost_keys,
    midway,
    migrations,
    observability,
    operations,
    pages,
    passkeys,
    pipelines,
    protected_api,
    regions,
    restore,
    roles,
    rotation,
    seeds,
    settings,
    tokens,
    upgrade,
)
from emulated.gateway import Api
from emulated.mails import Mailbox
from wardgate_infra.emulator.deployment import Deployment

Check: TypeAlias = Callable[[Api, Deployment], None]

# In this order: the first deploys what all others ask, the listener hears of everything, the second release makes all
# later ones log in detail, and the last look at what the others left behind.
STAGING: list[Check] = [
    deploys.check_first_deploy,
    delivery.check_listening,
    settings.check_limit_for_one_address,
    checks.check_ready,
    checks.check_keys_and_discovery,
    checks.check_tour,
    deploys.check_area_that_fails,
    deploys.check_second_release,
    deploys.check_only_what_changes_is_published,
    deploys.check_same_release,
    restore.check_people_before_restore,
    tokens.check_access_token_verifies_by_published_keys,
    tokens.check_forged_tokens,
    tokens.check_dead_session,
    tokens.check_refresh_family,
    tokens.check_sessions,
    tokens.check_step_up,
    tokens.check_second_factor,
    passkeys.check_passkeys,
    tokens.check_guessing,
    checks.check_bodies,
    checks.check_edge,
    checks.check_cors,
    checks.check_as_a_client,
    protected_api.check_protected_api,
    edge_sync.check_sign_outs_reach_the_edge,
    edge_sync.check_edge_conflicts_and_kills,
    edge_sync.check_edge_forgets,
    checks.check_roles_count,
    roles.check_each_function_may_what_it_was_seen_to_do,
    accounts.check_registration,
    accounts.check_forgotten_password,
    accounts.check_email_code,
    accounts.check_password_change,
    accounts.check_address_change,
    accounts.check_own_data,
    accounts.check_cookie_mode,
    pages.check_pages,
    pages.check_pages_of_second_factors,
    applications.check_sign_in_to_an_application,
    settings.check_limit_as_deployed,
    migrations.check_migrations,
    migrations.check_rehearsal,
    rotation.check_rotation,
    delivery.check_erasure,
    delivery.check_mail_outlasts_its_service,
    delivery.check_wrong_order,
    delivery.check_events,
    operations.check_version,
    operations.check_status,
    operations.check_logs_are_found,
    operations.check_config,
    settings.check_set,
    pipelines.check_deploy_as_github,
    pipelines.check_read_as_github,
    pipelines.check_watch_alarms,
    pipelines.check_candidate,
    restore.check_restore,
    restore.check_backup_plan,
    restore.check_restore_test,
    restore.check_failover,
    seeds.check_seed_and_load,
    edges.check_edge,
    lost_keys.check_lost_keys,
    operations.check_commands_page,
    observability.check_every_alarm_is_there,
    observability.check_tampering_is_heard,
    observability.check_schedule_calls_the_smoke_test,
    observability.check_who_reads_a_ring_is_told,
    observability.check_notices,
    canary.check_smoke,
    canary.check_hook,
    canary.check_canary,
    canary.check_deployments_of_everything,
    checks.check_every_function_ran,
    checks.check_tables,
    checks.check_logs,
]
# The same code in the same account, with other parameters: what depends on those. At the end staging goes, which
# nothing asks any more.
PRODUCTION: list[Check] = [
    deploys.check_promotion,
    checks.check_ready,
    checks.check_keys_and_discovery,
    checks.check_tour,
    tokens.check_access_token_verifies_by_published_keys,
    tokens.check_dead_session,
    checks.check_edge,
    checks.check_cors,
    accounts.check_registration,
    accounts.check_cookie_mode,
    checks.check_tables,
    checks.check_logs,
    destroys.check_production_is_not_destroyed_by_the_way,
    destroys.check_code_goes_and_comes_back,
    destroys.check_everything_goes,
]
# What stages run now, and then what they are to run.
UPGRADE: list[Check] = [
    upgrade.check_previous_release,
    upgrade.check_upgrade,
    upgrade.check_side_by_side,
    upgrade.check_rollback,
    upgrade.check_next_deploy,
    midway.check_rollback_midway,
]
# A stage of two regions, in an account that has no other.
REGIONS: list[Check] = [regions.check_failover_and_back]
STAGES = {"staging": STAGING, "production": PRODUCTION, "development": UPGRADE, "regions": REGIONS}


def run(emulator: Deployment, its_checks: list[Check]) -> list[str]:
    """Runs the checks of a stage, and gives what failed and why."""
    sender = emulator.parameters.get("MailSender", "")
    api = Api(emulator.url, Mailbox(emulator.endpoint, sender, emulator.parameters["Issuer"]))
    failed: list[str] = []
    ran = 0
    for check in its_checks:
        began = time.monotonic()
        name = check.__name__.removeprefix("check_").replace("_", " ")
        try:
            check(api, emulator)
            result = "ok"
        except Exception:  # noqa: BLE001  # a check may fail in any way
            why = traceback.format_exc()
            failed.append(f"{emulator.stage}, {name}:\n{why}")
            result = "FAILED\n" + why
        ran += 1
        print(f"  {name:<48} {time.monotonic() - began:5.1f} s  {result}", flush=True)
        if failed and ran == 1:
            print("Nothing is deployed, so that nothing else can be checked.")
            break
    print(f"{emulator.stage}: {ran - len(failed)} passed, {len(failed)} failed")
    return failed
