"""The pages of the window. Each is imported on its first visit, in a worker, so that a start stays quick."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One page: its key, its name in the sidebar (empty = not there), its icon and where its class is."""

    key: str
    title: str
    module: str
    class_name: str
    icon: str = ""


PLACES = (
    Place("overview", "Overview", "ranvier.ui.pages.overview", "OverviewPage", "overview"),
    Place("wallets", "Wallets", "ranvier.ui.pages.wallets", "WalletsPage", "wallets"),
    Place("miners", "Miners", "ranvier.ui.pages.miners", "MinersPage", "miners"),
    Place("hardware", "Hardware", "ranvier.ui.pages.hardware", "HardwarePage", "hardware"),
    Place("benchmark", "Benchmark", "ranvier.ui.pages.benchmark", "BenchmarkPage", "benchmark"),
    Place("stake", "Stake", "ranvier.ui.pages.stake", "StakePage", "stake"),
    Place("earnings", "Earnings", "ranvier.ui.pages.earnings", "EarningsPage", "earnings"),
    Place("subnets", "Subnets", "ranvier.ui.pages.subnets", "SubnetsPage", "subnets"),
    Place("token", "Token", "ranvier.ui.pages.token", "TokenPage", "token"),
    Place("netcheck", "Network check", "ranvier.ui.pages.netcheck", "NetCheckPage", "netcheck"),
    Place("settings", "Settings", "ranvier.ui.pages.settings", "SettingsPage", "settings"),
    Place("welcome", "", "ranvier.ui.pages.welcome", "WelcomePage"),
    Place("rehearsal", "", "ranvier.ui.pages.rehearsal", "RehearsalPage"),
)

BY_KEY = {place.key: place for place in PLACES}
