"""The names of the series that the outside relies on; rules and dashboards may use no other."""

from __future__ import annotations

import re

SERIES = frozenset(
    {
        "ict_bcp_check_success",
        "ict_bcp_check_state",
        "ict_bcp_check_info",
        "ict_bcp_check_muted",
        "ict_bcp_check_duration_seconds",
        "ict_bcp_check_last_run_timestamp_seconds",
        "ict_bcp_check_start_lateness_seconds",
        "ict_bcp_check_runs_total",
        "ict_bcp_check_missed_total",
        "ict_bcp_check_blind_seconds_total",
        "ict_bcp_system_state",
        "ict_bcp_system_level",
        "ict_bcp_system_info",  # system, class, zone: added so that rules know what is urgent
        "ict_bcp_tls_not_after_timestamp_seconds",
        "ict_bcp_backup_good_timestamp_seconds",
        "ict_bcp_backup_rpo_seconds",
        "ict_bcp_backup_verified_ratio",
        "ict_bcp_backup_restore_seconds",
        "ict_bcp_backup_restore_estimate_seconds",  # added: system, bound, ground
        "ict_bcp_backup_system_good_timestamp_seconds",  # added: system; proven at the required level
        "ict_bcp_backup_system_rpo_seconds",
        "ict_bcp_backup_system_digit",  # added: system, digit of 3-2-1-1-0
        "ict_bcp_backup_attested_end_timestamp_seconds",  # added: set, system; stated, not measured
        "ict_bcp_backup_attested_due_timestamp_seconds",
        "ict_bcp_backup_anomalies",  # added: repository against custody record
        "ict_bcp_backup_oldest_read_timestamp_seconds",
        "ict_bcp_backup_names_timestamp_seconds",
        "ict_bcp_backup_immutable",
        "ict_bcp_backup_lag_seconds",
        "ict_bcp_backup_unusual_score",
        "ict_bcp_backup_held",
        "ict_bcp_backup_retention_timestamp_seconds",
        "ict_bcp_audit_findings",
        "ict_bcp_disaster_active",
        "ict_bcp_disaster_changes",  # added: emergency changes open, and past their end
        "ict_bcp_disaster_power_end_timestamp_seconds",  # added: per site, as last read
        "ict_bcp_recovery_deadline_timestamp_seconds",
        "ict_bcp_site_down",  # added: many systems of a site at once
        "ict_bcp_recovery_forecast_timestamp_seconds",
        "ict_bcp_recovery_probability",
        "ict_bcp_recovery_attained_timestamp_seconds",
        "ict_bcp_announcements_overdue",  # added: promised updates not given
        "ict_bcp_announcement_mirror_ok",  # added: copies of the public page
        "ict_bcp_announcement_mirror_success_timestamp_seconds",
        "ict_bcp_log_writable",
        "ict_bcp_log_entries",
        "ict_bcp_log_checkpoint_timestamp_seconds",
        "ict_bcp_log_witness_timestamp_seconds",
        "ict_bcp_log_verified",
        "ict_bcp_loop_lag_seconds",
        "ict_bcp_config_last_reload_successful",
        "ict_bcp_config_last_reload_success_timestamp_seconds",
        "ict_bcp_build_info",
    }
)

_NAME = re.compile(r"(?<![\w:])ict_bcp_\w+")
"""A series of ours; the names of recording rules (`set:ict_bcp_…`) are Prometheus's own."""


def named(expression: str) -> set[str]:
    """Every series of ours that an expression names."""
    return set(_NAME.findall(expression))
