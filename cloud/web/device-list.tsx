/** All devices: who is there, and what each measures now. */
import { useEffect, useMemo } from "preact/hooks";
import { firing } from "./alert-model.ts";
import { AlertLines } from "./alert-note.tsx";
import type { AlertInfo } from "./alerts-client.ts";
import { deviceHref, mayDo, now } from "./app-state.ts";
import type { ChannelInfo, DeviceInfo } from "./client.ts";
import { FleetModel, type Trace } from "./fleet-model.ts";
import { channelLabel, formatValue, isHealthChannel } from "./format.ts";
import { PushToggle } from "./push-toggle.tsx";
import { minSpan } from "./scale.ts";
import { ErrorNote, LinkNote, Presence } from "./status.tsx";

const MAX_SHOWN = 4;

export function DeviceList() {
	const model = useMemo(() => new FleetModel(), []);
	useEffect(() => model.open(), [model]);
	const devices = model.devices.value;
	const error = model.error.value;
	return (
		<main>
			<header class="list-head">
				<h1>Devices</h1>
				{devices !== null && devices.length > 0 && <Count devices={devices} />}
				<LinkNote state={model.link.value} />
			</header>
			{error !== null && (
				<ErrorNote message={error} onRetry={() => void model.load()} />
			)}
			{devices === null && error === null && <p class="muted">Loading …</p>}
			{devices?.length === 0 && <NoDevices />}
			<ul class="devices">
				{devices?.map((device) => (
					<DeviceCard
						key={device.name}
						model={model}
						device={device}
						alerts={firing(model.alerts.all.value, device.name)}
					/>
				))}
			</ul>
			<PushToggle />
		</main>
	);
}

function Count({ devices }: { readonly devices: readonly DeviceInfo[] }) {
	const online = devices.filter((device) => device.online).length;
	return (
		<p class="muted">
			{online} of {devices.length} online
		</p>
	);
}

function NoDevices() {
	if (!mayDo("operator")) {
		return (
			<div class="card empty">
				<h2>Nothing is shared with you yet</h2>
				<p>
					Whoever runs this cloud can let you see devices. They appear here when
					you look again.
				</p>
			</div>
		);
	}
	return (
		<div class="card empty">
			<h2>No devices yet</h2>
			<p>Start three simulated ones:</p>
			<pre>npx thinghz sim --nodes 3 --live</pre>
			<p>or make the certificate for one of your own:</p>
			<pre>npx thinghz provision NAME</pre>
			<p>It appears here as soon as it is provisioned.</p>
		</div>
	);
}

function DeviceCard(props: {
	readonly model: FleetModel;
	readonly device: DeviceInfo;
	readonly alerts: readonly AlertInfo[];
}) {
	const { device, model } = props;
	// Read so that the card is drawn again when a trace has changed.
	void model.revision.value;
	const channels = device.channels.filter(({ id }) => !isHealthChannel(id));
	const hidden = channels.length - MAX_SHOWN;
	return (
		<li>
			<a class="card device" href={deviceHref(device.name)}>
				<div class="who">
					<h2>{device.name}</h2>
					<Presence device={device} nowMs={now.value} />
				</div>
				{channels.length === 0 && <p class="muted">No readings yet.</p>}
				<div class="tiles">
					{channels.slice(0, MAX_SHOWN).map((channel, index) => (
						<Tile
							key={channel.id}
							channel={channel}
							trace={model.trace(device.name, channel.id)}
							colour={`var(--line-${index % 6})`}
						/>
					))}
				</div>
				<AlertLines alerts={props.alerts} />
				{hidden > 0 && <p class="muted">and {hidden} more</p>}
			</a>
		</li>
	);
}

function Tile(props: {
	readonly channel: ChannelInfo;
	readonly trace: Trace;
	readonly colour: string;
}) {
	const { channel, trace } = props;
	const last = trace.at(-1);
	return (
		<div class="tile">
			<span class="label">{channelLabel(channel.id)}</span>
			<span class="reading">
				<span class="value">
					{last === undefined ? "–" : formatValue(last, channel.resolution)}
				</span>{" "}
				<span class="unit">{channel.unit}</span>
			</span>
			<Sparkline
				trace={trace}
				colour={props.colour}
				minSpan={minSpan(channel)}
			/>
		</div>
	);
}

const WIDTH = 120;
const HEIGHT = 32;

function Sparkline(props: {
	readonly trace: Trace;
	readonly colour: string;
	readonly minSpan: number;
}) {
	const { trace } = props;
	const lowest = Math.min(...trace);
	const highest = Math.max(...trace);
	const span = Math.max(highest - lowest, props.minSpan);
	const min = (lowest + highest - span) / 2;
	const points = trace
		.map((value, i) => {
			const x = (i / Math.max(1, trace.length - 1)) * WIDTH;
			const at = (value - min) / span;
			return `${x.toFixed(1)},${(HEIGHT - 2 - at * (HEIGHT - 4)).toFixed(1)}`;
		})
		.join(" ");
	return (
		<svg
			class="spark"
			viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
			preserveAspectRatio="none"
			aria-hidden="true"
		>
			{trace.length > 1 && <polyline points={points} stroke={props.colour} />}
		</svg>
	);
}
