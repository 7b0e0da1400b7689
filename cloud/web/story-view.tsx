/** A device's jobs that go on, above its charts; below them its latest jobs, crashes and log. */
import { mayDo, now } from "./app-state.ts";
import type { DeviceInfo } from "./client.ts";
import { formatAgo, formatTime } from "./format.ts";
import { ErrorNote } from "./status.tsx";
import { crashText, goingOn, jobText, percentOf } from "./story.ts";
import type { CrashInfo, JobInfo, LineInfo } from "./story-client.ts";
import type { StoryModel } from "./story-model.ts";

/** Times are told with their day. */
const DAYS_MS = 7 * 86_400_000;

export function JobNotes(props: {
	readonly model: StoryModel;
	readonly device: DeviceInfo;
}) {
	const jobs = goingOn(props.model.jobs.value);
	return (
		<div role="status">
			{jobs.map((job) => (
				<p key={job.job} class="note job">
					<b>{job.job}</b> <span>{jobText(job, props.device.online)}</span>
					<Progress percent={percentOf(job)} />
				</p>
			))}
		</div>
	);
}

function Progress({ percent }: { readonly percent: number | null }) {
	if (percent === null) return null;
	return <progress max={100} value={percent} aria-label="Downloaded" />;
}

export function Story(props: {
	readonly model: StoryModel;
	readonly device: DeviceInfo;
}) {
	const { model, device } = props;
	const [latest] = model.crashes.value;
	return (
		<details class="story">
			<summary>
				Jobs, crashes and log
				{latest !== undefined && (
					<span class="last-crash">
						{" "}
						– crashed {formatAgo(whenOf(latest), now.value)}
					</span>
				)}
			</summary>
			{model.error.value !== null && (
				<ErrorNote
					message={model.error.value}
					onRetry={() => void model.load()}
				/>
			)}
			{model.isLoaded.value && (
				<div class="card">
					<Crashes crashes={model.crashes.value} />
					<Log model={model} device={device} />
					<Jobs jobs={model.jobs.value} device={device} />
				</div>
			)}
		</details>
	);
}

function whenOf({ time, told }: CrashInfo): number {
	return Date.parse(time ?? told);
}

function Crashes({ crashes }: { readonly crashes: readonly CrashInfo[] }) {
	return (
		<section class="story-part" aria-label="Crashes">
			<h3>Crashes</h3>
			{crashes.length === 0 && <p class="muted">None in the last 90 days.</p>}
			<ul class="crashes">
				{crashes.map((crash) => (
					<li key={`${crash.boot} ${crash.told}`}>
						<b>{crash.reason.replaceAll("_", " ")}</b>{" "}
						<time dateTime={crash.time ?? crash.told}>
							{crash.time === null && "told "}
							{formatTime(whenOf(crash), DAYS_MS)}
						</time>
						<span class="muted"> {crashText(crash)}</span>
						{crash.cause !== null && <code>{crash.cause}</code>}
					</li>
				))}
			</ul>
		</section>
	);
}

function Log(props: {
	readonly model: StoryModel;
	readonly device: DeviceInfo;
}) {
	const { model, device } = props;
	const lines = model.lines.value;
	const isAsking = model.asking.value !== null;
	return (
		<section class="story-part" aria-label="Log">
			<div class="log-head">
				<h3>Log</h3>
				{mayDo("operator") && (
					<button
						type="button"
						disabled={isAsking}
						onClick={() => void model.askForLog()}
					>
						{isAsking ? "Asked for …" : "Ask for the log"}
					</button>
				)}
			</div>
			{isAsking && !device.online && (
				<p class="muted" role="status">
					The device sends it when it is back.
				</p>
			)}
			{lines.length === 0 ? (
				<p class="muted">
					Nothing yet. A device sends its log after a crash, and when it is
					asked to.
				</p>
			) : (
				<LogLines lines={lines} />
			)}
		</section>
	);
}

function LogLines({ lines }: { readonly lines: readonly LineInfo[] }) {
	return (
		<ol class="log">
			{lines.map((line) => (
				<li key={`${line.boot} ${line.number}`} class={line.level}>
					<time dateTime={line.time}>
						{line.isLatest && "≤ "}
						{formatTime(Date.parse(line.time), DAYS_MS)}
					</time>{" "}
					<span class="level">{line.level}</span> <span>{line.text}</span>
				</li>
			))}
		</ol>
	);
}

function Jobs(props: {
	readonly jobs: readonly JobInfo[];
	readonly device: DeviceInfo;
}) {
	const { jobs, device } = props;
	return (
		<section class="story-part" aria-label="Latest jobs">
			<h3>Latest jobs</h3>
			{jobs.length === 0 && <p class="muted">None.</p>}
			<ul class="jobs">
				{jobs.map((job) => (
					<li key={job.job}>
						<b>{job.job}</b> <span>{jobText(job, device.online)}</span>{" "}
						<time class="muted" dateTime={job.at}>
							{formatTime(Date.parse(job.at), DAYS_MS)}
						</time>
					</li>
				))}
			</ul>
		</section>
	);
}
