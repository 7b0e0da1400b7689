/** One channel in the window that is shown: its figures and its chart. */
import { useMemo, useState } from "preact/hooks";
import { Chart } from "./chart.tsx";
import { aggregateChart, type ChartData, rawChart } from "./chart-data.ts";
import type { ChannelInfo } from "./client.ts";
import type { DeviceModel } from "./device-model.ts";
import {
	channelLabel,
	formatEvery,
	formatReading,
	formatTime,
	formatValue,
	isStateChannel,
} from "./format.ts";
import { minSpan } from "./scale.ts";
import { joinRuns, statsOf } from "./series.ts";

/** Columns that single readings are thinned to: more than any chart has pixels would show nothing more. */
const COLUMNS = 1_200;

/** How old a reading may be to be shown as the current one, ms. */
const LATEST_MS = 15 * 60_000;

const EMPTY: ChartData = {
	timesMs: [],
	line: [],
	band: null,
	stats: null,
	estimated: [],
};

export interface ChannelCardProps {
	readonly model: DeviceModel;
	readonly channel: ChannelInfo;
	/** Decides its colour. */
	readonly index: number;
}

export function ChannelCard({ model, channel, index }: ChannelCardProps) {
	const revision = model.revision.value;
	const aggregate = model.aggregate.value;
	const window = model.window.value;
	const { range } = model.view.value;
	const [point, setPoint] = useState<number | null>(null);

	const isState = isStateChannel(channel.id);
	const data = useMemo(() => {
		if (range.every === null) {
			return rawChart(model.readings, channel.id, window, COLUMNS);
		}
		if (aggregate === null) return EMPTY;
		const kind = isState ? "state" : channel.kind;
		return aggregateChart(aggregate, channel.id, kind) ?? EMPTY;
	}, [revision, aggregate, window, range, channel, isState, model]);

	const { stats } = data;
	const label = channelLabel(channel.id);
	const isIncrease = range.every !== null && channel.kind === "counter";
	const value = (number: number) => formatValue(number, channel.resolution);
	const latest = isIncrease ? null : latestReading(model, channel.id);
	const headline = isIncrease
		? stats && stats.mean * stats.count
		: (latest ?? stats?.last ?? null);
	const reading = (number: number) => formatReading(channel, number);
	const [current, unit] =
		headline === null ? ["–", channel.unit] : reading(headline);
	const pointed = point === null ? null : (data.line[point] ?? null);
	const pointedMs = point === null ? 0 : (data.timesMs[point] ?? 0);

	return (
		<section class="card channel" aria-label={label}>
			<div class="figures">
				<h3>{label}</h3>
				<p class="current">
					<span class="value">{current}</span>{" "}
					<span class="unit">
						{unit}
						{isIncrease && " in all"}
					</span>
				</p>
				{!isState && (
					<dl>
						<Figure name="Min" value={stats && value(stats.min)} />
						<Figure name="Mean" value={stats && value(stats.mean)} />
						<Figure name="Max" value={stats && value(stats.max)} />
					</dl>
				)}
			</div>
			<div class="plot">
				<p class="readout" aria-hidden="true">
					{pointed !== null ? (
						<>
							{formatTime(pointedMs, range.spanMs)} ·{" "}
							<strong>{reading(pointed).join(" ")}</strong>
						</>
					) : (
						<Note
							everyMs={range.every?.ms ?? null}
							isIncrease={isIncrease}
							isState={isState}
							isEstimated={data.estimated.length > 0}
						/>
					)}
				</p>
				<Chart
					label={describe(
						label,
						headline === null ? null : `${current} ${unit}`,
					)}
					data={data}
					window={window}
					colour={`--line-${index % 6}`}
					isStepped={isState || channel.kind === "counter"}
					minSpan={minSpan(channel)}
					onPoint={setPoint}
				/>
				{stats === null && !model.isLoading.value && (
					<p class="nothing">No readings in this range</p>
				)}
			</div>
		</section>
	);
}

/** The latest single reading that is known, where the window ends now; buckets show only means. */
function latestReading(model: DeviceModel, channel: string): number | null {
	if (model.view.value.endMs !== null) return null;
	const { toMs } = model.window.value;
	const fromMs = toMs - LATEST_MS;
	const runs = model.readings.runs(channel, fromMs, toMs);
	return statsOf(joinRuns(runs, fromMs, toMs))?.last ?? null;
}

function Figure(props: {
	readonly name: string;
	readonly value: string | null;
}) {
	return (
		<div>
			<dt>{props.name}</dt>
			<dd>{props.value ?? "–"}</dd>
		</div>
	);
}

function Note(props: {
	readonly everyMs: number | null;
	readonly isIncrease: boolean;
	readonly isState: boolean;
	readonly isEstimated: boolean;
}) {
	if (props.isEstimated) return <>Shaded: times are estimated</>;
	if (props.everyMs === null) return <>{"\u00a0"}</>;
	const every = formatEvery(props.everyMs);
	if (props.isState) return <>Highest of every {every}</>;
	return props.isIncrease ? (
		<>Increase every {every}</>
	) : (
		<>Mean of {every}, with lowest and highest</>
	);
}

function describe(label: string, last: string | null): string {
	return last === null
		? `${label}: no readings in this range`
		: `${label} over time, last ${last}`;
}
