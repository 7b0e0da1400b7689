/** One device: its state, the range that is shown, and a chart for each channel. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { firing } from "./alert-model.ts";
import { AlertNotes } from "./alert-note.tsx";
import { deviceHref, now } from "./app-state.ts";
import { ChannelCard } from "./channel-card.tsx";
import { pageConfig } from "./config.ts";
import { DeviceModel } from "./device-model.ts";
import { formatWindow, isHealthChannel } from "./format.ts";
import { RANGES, rangeById } from "./ranges.ts";
import { ErrorNote, LinkNote, Presence } from "./status.tsx";
import { StoryModel } from "./story-model.ts";
import { JobNotes, Story } from "./story-view.tsx";

/** Of a block of health: a window no longer than that is mostly empty. See firmware/node/config.ts. */
const HEALTH_SPAN_MS = 3_600_000;

export interface DevicePageProps {
	readonly name: string;
	readonly rangeId: string | null;
}

export function DevicePage({ name, rangeId }: DevicePageProps) {
	const model = useMemo(
		() => new DeviceModel(name, rangeById(rangeId ?? usualRange())),
		[name],
	);
	useEffect(() => model.open(), [model]);
	const story = useMemo(() => new StoryModel(name), [name]);
	// Of a device that is not there, or may not be seen, nothing more is asked.
	const isThere = model.device.value !== null;
	useEffect(() => (isThere ? story.open() : undefined), [story, isThere]);
	const [showsHealth, setShowsHealth] = useState(false);

	const device = model.device.value;
	const error = model.error.value;
	const channels = device?.channels ?? [];
	const measured = channels.filter(({ id }) => !isHealthChannel(id));
	const health = channels.filter(({ id }) => isHealthChannel(id));

	const back = (
		<nav aria-label="Breadcrumb">
			<a href="#/">← All devices</a>
		</nav>
	);
	if (model.isUnknown.value) {
		return (
			<main>
				{back}
				<h1>{name}</h1>
				<p class="card empty" role="alert">
					{error}
				</p>
			</main>
		);
	}
	return (
		<main>
			{back}
			<header class="device-head">
				<h1>{name}</h1>
				{device !== null && <Presence device={device} nowMs={now.value} />}
				<LinkNote state={model.link.value} />
			</header>
			{error !== null && (
				<ErrorNote message={error} onRetry={() => void model.load()} />
			)}
			<AlertNotes alerts={firing(model.alerts.all.value)} />
			{device !== null && <JobNotes model={story} device={device} />}
			{device?.configRefused != null && (
				<p class="note warning" role="status">
					The device refused its last configuration: {device.configRefused}
				</p>
			)}
			{model.unreadable.value > 0 && (
				<p class="note warning" role="status">
					{model.unreadable.value} damaged{" "}
					{model.unreadable.value === 1 ? "block is" : "blocks are"} left out.
				</p>
			)}
			<RangeBar model={model} />
			<div class="channels" aria-busy={model.isLoading.value}>
				{measured.map((channel, index) => (
					<ChannelCard
						key={channel.id}
						model={model}
						channel={channel}
						index={index}
					/>
				))}
			</div>
			{device !== null && measured.length === 0 && error === null && (
				<p class="card empty">
					No readings yet. They appear here as soon as the device has sent its
					first block or is in live mode.
				</p>
			)}
			{health.length > 0 && (
				<details
					class="health"
					onToggle={(event) => setShowsHealth(event.currentTarget.open)}
				>
					<summary>Device health ({health.length} channels)</summary>
					{model.view.value.range.spanMs <= HEALTH_SPAN_MS && (
						<p class="muted">
							A node sends its health once an hour, unless it is told otherwise:
							choose 6 h or more to see it.
						</p>
					)}
					<div class="channels">
						{showsHealth &&
							health.map((channel, index) => (
								<ChannelCard
									key={channel.id}
									model={model}
									channel={channel}
									index={index}
								/>
							))}
					</div>
				</details>
			)}
			{device !== null && <Story model={story} device={device} />}
		</main>
	);
}

/** Where no live samples come, a block every few minutes does: the last minute shows none of it. */
function usualRange(): string | null {
	return pageConfig().live === "poll" ? "1h" : null;
}

function RangeBar({ model }: { readonly model: DeviceModel }) {
	const { range, endMs } = model.view.value;
	const { fromMs, toMs } = model.window.value;
	const isFollowing = endMs === null;

	function choose(id: string): void {
		history.replaceState(null, "", deviceHref(model.name, id));
		model.setRange(rangeById(id));
	}

	return (
		<div class="range-bar">
			<fieldset class="ranges">
				<legend>Range</legend>
				{RANGES.map(({ id, label }) => (
					<button
						key={id}
						type="button"
						aria-pressed={id === range.id}
						onClick={() => choose(id)}
					>
						{label}
					</button>
				))}
			</fieldset>
			<fieldset class="steps">
				<legend>Time</legend>
				<button
					type="button"
					aria-label="Earlier"
					onClick={() => model.step(-1)}
				>
					←
				</button>
				<button
					type="button"
					aria-label="Later"
					disabled={isFollowing}
					onClick={() => model.step(1)}
				>
					→
				</button>
				<button
					type="button"
					class="now"
					aria-pressed={isFollowing}
					onClick={() => model.toNow()}
				>
					{isFollowing ? "● Live" : "Go live"}
				</button>
			</fieldset>
			<p class="window">{formatWindow(fromMs, toMs)}</p>
		</div>
	);
}
