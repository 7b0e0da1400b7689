/** Alerts in the places of what they are about. */
import type { AlertInfo, AlertStatus } from "./alerts-client.ts";
import { now } from "./app-state.ts";
import { formatAgo } from "./format.ts";

const SYMBOLS: Readonly<Record<AlertStatus, string>> = {
	firing: "▲",
	pending: "…",
	resolved: "✓",
};

export function StatusBadge({ status }: { readonly status: AlertStatus }) {
	return (
		<span class={`badge ${status}`}>
			<span aria-hidden="true">{SYMBOLS[status]}</span> {status}
		</span>
	);
}

/** On a device's card. */
export function AlertLines({
	alerts,
}: {
	readonly alerts: readonly AlertInfo[];
}) {
	if (alerts.length === 0) return null;
	return (
		<ul class="alert-lines">
			{alerts.map((alert) => (
				<li key={alert.rule}>
					<StatusBadge status={alert.status} /> <AlertText alert={alert} />
				</li>
			))}
		</ul>
	);
}

/** Above a device's charts. */
export function AlertNotes({
	alerts,
}: {
	readonly alerts: readonly AlertInfo[];
}) {
	return (
		<div role="status">
			{alerts.map((alert) => (
				<p key={alert.rule} class="note error">
					<StatusBadge status={alert.status} /> <AlertText alert={alert} />{" "}
					<a href="#/alerts">Alerts</a>
				</p>
			))}
		</div>
	);
}

/** "Freezer too warm: temperature above -15 °C for 5 min, since 3 min ago." */
export function AlertText({ alert }: { readonly alert: AlertInfo }) {
	return (
		<span class="alert-text">
			<b>{alert.name}</b>: {alert.summary}, since{" "}
			{formatAgo(Date.parse(alert.since), now.value)}
		</span>
	);
}
