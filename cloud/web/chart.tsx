/** A line over time, drawn by uPlot in the page's colours. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { ChartData } from "./chart-data.ts";
import { formatTick } from "./format.ts";
import type { Window } from "./ranges.ts";
import { widened } from "./scale.ts";

export interface ChartProps {
	/** For people who do not see the chart. */
	readonly label: string;
	readonly data: ChartData;
	readonly window: Window;
	/** Name of a custom property with the line's colour. */
	readonly colour: string;
	readonly isStepped: boolean;
	/** The axis of values spans at least this much, so that noise of a few counts does not look like weather. */
	readonly minSpan: number;
	/** What the pointer is at: an index into the data, or null. */
	readonly onPoint: (index: number | null) => void;
}

const HEIGHT = 164;
const FONT = "11px system-ui, sans-serif";

/** Charts of one page share the pointer's position. */
const sync = uPlot.sync("time");

export function Chart(props: ChartProps) {
	const box = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot | null>(null);
	const latest = useRef(props);
	latest.current = props;
	const hasBand = props.data.band !== null;

	useEffect(() => {
		const element = box.current;
		if (element === null) return;
		const scheme = window.matchMedia("(prefers-color-scheme: dark)");
		function draw(): void {
			if (element === null) return;
			plot.current?.destroy();
			plot.current = new uPlot(
				options(element, latest),
				columns(latest.current.data),
				element,
			);
		}
		draw();
		scheme.addEventListener("change", draw);
		const sizes = new ResizeObserver(() => {
			plot.current?.setSize({ width: element.clientWidth, height: HEIGHT });
		});
		sizes.observe(element);
		return () => {
			sizes.disconnect();
			scheme.removeEventListener("change", draw);
			plot.current?.destroy();
			plot.current = null;
		};
	}, [hasBand, props.isStepped, props.colour]);

	useEffect(() => {
		const { data } = props;
		// Between a change of range and its data, the plot may still be of the other kind.
		if (plot.current?.series.length === (data.band === null ? 2 : 4)) {
			plot.current.setData(columns(data));
		}
	}, [props.data, props.window]);

	return (
		<div
			class="chart"
			ref={box}
			role="img"
			aria-label={props.label}
			data-points={props.data.line.filter((at) => at !== null).length}
		/>
	);
}

function columns(data: ChartData): uPlot.AlignedData {
	const times = data.timesMs as number[];
	const line = data.line as (number | null)[];
	if (data.band === null) return [times, line];
	const { max, min } = data.band;
	return [times, max as (number | null)[], min as (number | null)[], line];
}

function options(
	element: HTMLElement,
	latest: { readonly current: ChartProps },
): uPlot.Options {
	const style = getComputedStyle(element);
	const property = (name: string) => style.getPropertyValue(name).trim();
	const line = property(latest.current.colour);
	const axis = {
		font: FONT,
		stroke: property("--muted"),
		grid: { stroke: property("--grid"), width: 1 },
		ticks: { show: false },
	};
	const hidden = { stroke: "transparent", points: { show: false } };
	const hasBand = latest.current.data.band !== null;
	const stepped = uPlot.paths.stepped?.({ align: 1 });
	return {
		width: element.clientWidth,
		height: HEIGHT,
		ms: 1,
		// On the right, half a label of the time axis: "22:50:30".
		padding: [8, 28, 0, 0],
		legend: { show: false },
		cursor: {
			sync: { key: sync.key },
			drag: { x: false, y: false },
			points: { size: 7 },
		},
		scales: {
			x: {
				time: true,
				range: () => {
					const { fromMs, toMs } = latest.current.window;
					return [fromMs, toMs];
				},
			},
			y: {
				range: (_plot, min, max) =>
					valueRange(min, max, latest.current.minSpan),
			},
		},
		axes: [
			{
				...axis,
				space: 76,
				size: 26,
				values: (_plot: uPlot, splits: number[]) =>
					axisTimes(splits, latest.current.window),
			},
			{ ...axis, space: 32, size: 58 },
		],
		series: [
			{},
			...(hasBand ? [hidden, hidden] : []),
			{
				stroke: line,
				width: 1.75,
				points: { show: isAlone, size: 4, fill: line },
				...(latest.current.isStepped && stepped !== undefined
					? { paths: stepped }
					: {}),
			},
		],
		...(hasBand ? { bands: [{ series: [1, 2], fill: `${line}33` }] } : {}),
		hooks: {
			drawClear: [
				(plot) => markEstimated(plot, latest.current, property("--mark")),
			],
			setCursor: [(plot) => latest.current.onPoint(plot.cursor.idx ?? null)],
		},
	};
}

function axisTimes(splits: readonly number[], window: Window): string[] {
	const stepMs = (splits[1] ?? 0) - (splits[0] ?? 0);
	return splits.map((timeMs) =>
		formatTick(timeMs, stepMs, window.toMs - window.fromMs),
	);
}

function valueRange(
	min: number | null,
	max: number | null,
	minSpan: number,
): uPlot.Range.MinMax {
	if (min === null || max === null) return [null, null];
	const [low, high] = widened(min, max, minSpan);
	return uPlot.rangeNum(low, high, 0.1, true);
}

/** A few readings far apart are seen as points; a dense line needs none. */
function isAlone(plot: uPlot): boolean {
	const line = plot.data.at(-1) ?? [];
	let drawn = 0;
	for (const value of line) if (value !== null) drawn++;
	return drawn < 40;
}

/** Tints the spans whose times are guessed. */
function markEstimated(
	plot: uPlot,
	{ data }: ChartProps,
	colour: string,
): void {
	const { left, top, width, height } = plot.bbox;
	plot.ctx.save();
	plot.ctx.fillStyle = colour;
	for (const span of data.estimated) {
		const fromPx = Math.max(left, plot.valToPos(span.fromMs, "x", true));
		const toPx = Math.min(left + width, plot.valToPos(span.toMs, "x", true));
		if (toPx > fromPx) plot.ctx.fillRect(fromPx, top, toPx - fromPx, height);
	}
	plot.ctx.restore();
}
