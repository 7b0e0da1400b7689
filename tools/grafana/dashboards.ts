/** The dashboards, the same for every source as far as it can answer: fleet, one device, health, ingest. */
import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import {
	CustomVariableBuilder,
	type Dashboard,
	DashboardBuilder,
	DashboardCursorSync,
	DashboardLinkBuilder,
	DashboardLinkType,
	type GridPos,
	MappingType,
	type Panel,
	QueryVariableBuilder,
	type ValueMap,
	type VariableModel,
	VariableRefresh,
	VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimelineBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { HEALTH_STATES } from "../../protocol/health-states.ts";
import {
	grafanaVariable,
	type Queries,
	refIdOf,
	refOf,
	type Source,
	targetOf,
	type VariableQuery,
} from "./source.ts";

export const TAG = "thinghz";
/** Plain data, as Grafana's API takes it. */
export type DashboardJson = Readonly<Record<string, unknown>> & {
	readonly uid: string;
	readonly title: string;
};

const CHANNEL = grafanaVariable("channel", "text");

type AnyPanelBuilder =
	| StatBuilder
	| StateTimelineBuilder
	| TableBuilder
	| TimeSeriesBuilder;

interface PanelPlan {
	readonly title: string;
	readonly description?: string;
	readonly queries: Queries | null;
	readonly panel: AnyPanelBuilder;
	/** Of 24. */
	readonly width: number;
	readonly height: number;
	/** A panel for each value of this variable that is chosen. */
	readonly repeat?: string;
}

export function buildDashboards(source: Source): DashboardJson[] {
	const { panels } = source;
	return [
		dashboard(source, "fleet", "Fleet", [
			{
				title: "Devices",
				description: "In the time range.",
				queries: panels.devices,
				panel: new StatBuilder(),
				width: 24,
				height: 4,
			},
			{
				title: CHANNEL,
				queries: panels.channelOfAll,
				panel: new TimeSeriesBuilder(),
				width: 24,
				height: 10,
			},
			{
				title: "Last heard",
				queries: panels.lastHeard,
				panel: new TableBuilder(),
				width: 24,
				height: 12,
			},
		]),
		dashboard(source, "device", "One device", [
			{
				title: CHANNEL,
				description: "Mean, min and max of each interval.",
				queries: panels.readings,
				panel: new TimeSeriesBuilder(),
				width: 24,
				height: 8,
				repeat: "channel",
			},
			{
				title: "Channels",
				queries: panels.channels,
				panel: new TableBuilder(),
				width: 24,
				height: 8,
			},
		]),
		dashboard(source, "health", "Health", [
			{
				title: "States of the fleet",
				description: "0 is the state in which all is well.",
				queries: panels.notWell,
				panel: new TableBuilder(),
				width: 24,
				height: 8,
			},
			{
				title: "States",
				queries: panels.states,
				panel: withStateNames(new StateTimelineBuilder()),
				width: 24,
				height: 9,
			},
			health(source, "Heap", ["heap_peak", "heap_free"], "bytes"),
			health(source, "Signal", ["rssi"], "dBm"),
			health(source, "Blocks that wait in the journal", ["depth"], "none"),
			health(
				source,
				"Counted since boot",
				["dropped", "missed", "live_dropped", "reconnects", "sensor_faults"],
				"none",
			),
		]),
		dashboard(source, "ingest", "Ingest", [
			{
				title: "Volume",
				description:
					"By when it was measured: what comes late raises what has been.",
				queries: panels.volume,
				panel: new TimeSeriesBuilder(),
				width: 12,
				height: 8,
			},
			{
				title: "Volume by device",
				queries: panels.volumeByDevice,
				panel: new TimeSeriesBuilder(),
				width: 12,
				height: 8,
			},
			{
				title: "Last heard",
				queries: panels.lastHeard,
				panel: new TableBuilder(),
				width: 24,
				height: 8,
			},
			{
				title: "Dead letters",
				description: "What could not be taken in; for operators.",
				queries: panels.deadLetters,
				panel: new TableBuilder(),
				width: 24,
				height: 8,
			},
		]),
	];
}

function health(
	source: Source,
	title: string,
	channels: readonly string[],
	unit: string,
): PanelPlan {
	return {
		title,
		queries: source.panels.health(channels),
		panel: new TimeSeriesBuilder().unit(unit),
		width: 12,
		height: 7,
	};
}

function dashboard(
	source: Source,
	name: string,
	title: string,
	plans: readonly PanelPlan[],
): DashboardJson {
	const builder = new DashboardBuilder(`thinghz: ${title}`)
		.uid(`${TAG}-${name}`)
		.tags([TAG])
		.timezone("browser")
		.editable()
		.tooltip(DashboardCursorSync.Crosshair)
		.time({ from: "now-24h", to: "now" })
		.refresh("1m")
		.link(
			new DashboardLinkBuilder("thinghz")
				.type(DashboardLinkType.Dashboards)
				.tags([TAG])
				.asDropdown(true)
				.includeVars(true)
				.keepTime(true),
		);
	const answered = plans.filter(({ queries }) => queries !== null);
	for (const variable of variablesFor(source, answered)) {
		builder.withVariable(variable);
	}
	const places = inRows(answered);
	for (const [i, plan] of answered.entries()) {
		const gridPos = places[i] ?? { x: 0, y: 0, w: 24, h: 8 };
		builder.withPanel(toPanel(source, plan, i + 1, gridPos));
	}
	return plain(builder.build());
}

function toPanel(
	source: Source,
	{ panel, queries, ...plan }: PanelPlan,
	id: number,
	gridPos: GridPos,
): Builder<Panel> {
	panel.id(id).title(plan.title).datasource(refOf(source)).gridPos(gridPos);
	if (plan.description !== undefined) panel.description(plan.description);
	if (plan.repeat !== undefined)
		panel.repeat(plan.repeat).repeatDirection("h").maxPerRow(2);
	for (const [i, query] of Object.values(queries ?? {}).entries()) {
		panel.withTarget(targetOf(source, refIdOf(i), query));
	}
	return panel;
}

/** Beside each other as far as a row of 24 goes; the SDK would let panels reach beyond it. */
function inRows(plans: readonly PanelPlan[]): GridPos[] {
	let x = 0;
	let y = 0;
	let rowHeight = 0;
	return plans.map(({ width: w, height: h }) => {
		if (x + w > 24) {
			x = 0;
			y += rowHeight;
			rowHeight = 0;
		}
		const place = { x, y, w, h };
		x += w;
		rowHeight = Math.max(rowHeight, h);
		return place;
	});
}

/** Those that the panels' queries name, and those that their own queries need. */
function variablesFor(
	source: Source,
	plans: readonly PanelPlan[],
): Builder<VariableModel>[] {
	const text = JSON.stringify(plans.map(({ queries }) => queries));
	const asks = (name: string) => text.includes(`\${${name}:`);
	const variables: Builder<VariableModel>[] = [];
	const ofDevice = asks("device");
	if (ofDevice) {
		variables.push(queryVariable(source, "device", source.deviceVariable));
	}
	const channels = ofDevice
		? source.channelVariable
		: source.anyChannelVariable;
	if (asks("channel") && channels !== null) {
		const variable = queryVariable(source, "channel", channels);
		if (plans.some(({ repeat }) => repeat === "channel")) {
			variable
				.multi(true)
				.includeAll(true)
				.current({ selected: true, text: ["All"], value: ["$__all"] });
		}
		variables.push(variable);
	}
	if (asks("every")) {
		variables.push(
			new CustomVariableBuilder("every")
				.label("Interval")
				.values("1m,5m,15m,1h,6h,1d")
				.current({ selected: true, text: "5m", value: "5m" }),
		);
	}
	return variables;
}

function queryVariable(
	source: Source,
	name: string,
	{ query, regex }: VariableQuery,
): QueryVariableBuilder {
	const variable = new QueryVariableBuilder(name)
		.label(name === "device" ? "Device" : "Channel")
		.datasource(refOf(source))
		.query(typeof query === "string" ? query : { ...query })
		.refresh(VariableRefresh.OnDashboardLoad)
		.sort(VariableSort.AlphabeticalAsc);
	return regex === undefined ? variable : variable.regex(regex);
}

/** Shows states by their names: green where all is well. */
function withStateNames(panel: StateTimelineBuilder): StateTimelineBuilder {
	for (const [channel, codes] of Object.entries(HEALTH_STATES)) {
		const options: ValueMap["options"] = {};
		for (const [name, code] of Object.entries(codes)) {
			options[String(code)] = {
				text: name.replaceAll("_", " "),
				color: colorOf(channel, code),
				index: code,
			};
		}
		panel.overrideByName(channel.replace(/^health\./, ""), [
			{ id: "mappings", value: [{ type: MappingType.ValueToText, options }] },
		]);
	}
	return panel;
}

/** Why a node started is neither good nor bad. */
function colorOf(channel: string, code: number): string {
	if (channel === "health.reset") return "blue";
	return code === 0 ? "green" : "orange";
}

/** Without what belongs to the SDK's types alone. */
function plain(built: Dashboard): DashboardJson {
	return JSON.parse(JSON.stringify(built)) as DashboardJson;
}
