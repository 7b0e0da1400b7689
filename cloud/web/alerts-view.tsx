/** All alerts: what fires now, by which rules, and what has been. */
import { useEffect, useMemo } from "preact/hooks";
import { StatusBadge } from "./alert-note.tsx";
import type {
	AlertEventInfo,
	AlertInfo,
	AlertTarget,
	DeliveryInfo,
	RuleInfo,
} from "./alerts-client.ts";
import { AlertsModel } from "./alerts-model.ts";
import { deviceHref, mayDo, now } from "./app-state.ts";
import { formatAgo } from "./format.ts";
import { RuleForm } from "./rule-form.tsx";
import { ErrorNote, LinkNote } from "./status.tsx";

const ORDER = ["firing", "pending", "resolved"];

export function AlertsView() {
	const model = useMemo(() => new AlertsModel(mayDo("operator")), []);
	useEffect(() => model.open(), [model]);
	const error = model.error.value ?? model.now.error.value;
	const alerts = [...model.now.all.value].sort(
		(a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status),
	);
	return (
		<main class="alerts">
			<nav aria-label="Breadcrumb">
				<a href="#/">← All devices</a>
			</nav>
			<header class="list-head">
				<h1>Alerts</h1>
				<LinkNote state={model.link.value} />
			</header>
			{error !== null && (
				<ErrorNote message={error} onRetry={() => void model.load()} />
			)}
			<section>
				<h2>Now</h2>
				{alerts.length === 0 && <p class="muted">No alert is firing.</p>}
				<ul class="rows">
					{alerts.map((alert) => (
						<AlertRow key={`${alert.rule} ${alert.device}`} alert={alert} />
					))}
				</ul>
			</section>
			{mayDo("operator") && <Rules model={model} />}
			<section>
				<h2>History</h2>
				{model.events.value.length === 0 && (
					<p class="muted">Nothing has fired yet.</p>
				)}
				<ul class="rows">
					{model.events.value.map((event) => (
						<EventRow key={event.id} event={event} />
					))}
				</ul>
				{model.hasMore.value && (
					<button type="button" onClick={() => void model.loadMore()}>
						Show older ones
					</button>
				)}
			</section>
		</main>
	);
}

function AlertRow({ alert }: { readonly alert: AlertInfo }) {
	const { status, device, name, summary, value, unit, since } = alert;
	return (
		<li class="card row">
			<StatusBadge status={status} />
			<div class="what">
				<b>{name}</b> <a href={deviceHref(device)}>{device}</a>
				<p class="muted">
					{summary}
					{value !== null && ` (${value} ${unit ?? ""})`.replace(" )", ")")}
				</p>
			</div>
			<time class="muted" dateTime={since}>
				{formatAgo(Date.parse(since), now.value)}
			</time>
		</li>
	);
}

function Rules({ model }: { readonly model: AlertsModel }) {
	return (
		<section>
			<h2>Rules</h2>
			{model.rules.value.length === 0 && (
				<p class="muted">There are no rules yet.</p>
			)}
			<ul class="rows">
				{model.rules.value.map((rule) => (
					<RuleRow key={rule.id} model={model} rule={rule} />
				))}
			</ul>
			<details class="card new-rule">
				<summary>New rule</summary>
				<RuleForm
					devices={model.devices.value}
					tells={model.tells.value}
					onCreate={(draft) => model.create(draft)}
				/>
			</details>
		</section>
	);
}

function RuleRow(props: {
	readonly model: AlertsModel;
	readonly rule: RuleInfo;
}) {
	const { model, rule } = props;
	const { id, name, device, summary, enabled, notify } = rule;
	const told = notify.map(targetText).join(", ");
	const said = model.tests.value[id];
	return (
		<li class="card row">
			<div class="what">
				<b>{name}</b>{" "}
				{device === null ? (
					<span>each device</span>
				) : (
					<a href={deviceHref(device)}>{device}</a>
				)}
				<p class="muted">
					{summary}
					{!enabled && " (off)"}
					{told === "" ? "; tells nobody" : `; tells ${told}`}
				</p>
				{said !== undefined && <p role="status">{said}</p>}
			</div>
			<div class="actions">
				{notify.length > 0 && (
					<button type="button" onClick={() => void model.test(rule)}>
						Test
					</button>
				)}
				<button
					type="button"
					aria-label={`Remove ${name}`}
					onClick={() => {
						if (confirm(`Remove the rule "${name}"?`)) void model.remove(id);
					}}
				>
					Remove
				</button>
			</div>
		</li>
	);
}

function EventRow({ event }: { readonly event: AlertEventInfo }) {
	const { status, device, name, text, at, deliveries } = event;
	return (
		<li class="card row">
			<StatusBadge status={status} />
			<div class="what">
				<b>{name}</b> <a href={deviceHref(device)}>{device}</a>
				<p class="muted">{text}</p>
				{(deliveries ?? []).map((delivery, i) => (
					<p key={i} class={delivery.status === "failed" ? "failed" : "muted"}>
						{deliveryText(delivery)}
					</p>
				))}
			</div>
			<time class="muted" dateTime={at} title={new Date(at).toLocaleString()}>
				{formatAgo(Date.parse(at), now.value)}
			</time>
		</li>
	);
}

function deliveryText({ target, status, error }: DeliveryInfo): string {
	const who = targetText(target);
	switch (status) {
		case "delivered":
			return `Told ${who}.`;
		case "pending":
			return error === null
				? `Telling ${who} …`
				: `${who} is tried again: ${error}`;
		case "failed":
			return `${who} was not told: ${error ?? ""}`;
	}
}

export function targetText(target: AlertTarget): string {
	switch (target.type) {
		case "email":
			return target.address;
		case "webhook":
			return new URL(target.url).host;
		case "push":
			return "push";
	}
}
