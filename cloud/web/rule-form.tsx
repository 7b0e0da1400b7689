/** Makes a rule. */
import { useState } from "preact/hooks";
import type { RuleDraft, RuleList } from "./alerts-client.ts";
import type { DeviceInfo } from "./client.ts";
import {
	draftOf,
	EMPTY_FIELDS,
	type RuleFields,
	type RuleKind,
} from "./rule-draft.ts";

const KINDS: readonly (readonly [RuleKind, string])[] = [
	["above", "a value is above"],
	["below", "a value is below"],
	["no_data", "there is no reading"],
	["offline", "it is not connected"],
];

export function RuleForm(props: {
	readonly devices: readonly DeviceInfo[];
	/** What the cloud can tell: nothing else is offered. */
	readonly tells: RuleList["tells"];
	/** @returns what is wrong with it; null when it has been made */
	readonly onCreate: (draft: RuleDraft) => Promise<string | null>;
}) {
	const [fields, setFields] = useState<RuleFields>(EMPTY_FIELDS);
	const [problem, setProblem] = useState<string | null>(null);
	const [isBusy, setIsBusy] = useState(false);
	const { kind } = fields;
	const { tells } = props;
	const isThreshold = kind === "above" || kind === "below";

	function set(changes: Partial<RuleFields>): void {
		setFields({ ...fields, ...changes });
		setProblem(null);
	}

	async function submit(event: Event): Promise<void> {
		event.preventDefault();
		const draft = draftOf(fields);
		if (typeof draft === "string") {
			setProblem(draft);
			return;
		}
		setIsBusy(true);
		const refused = await props.onCreate(draft);
		setIsBusy(false);
		setProblem(refused);
		if (refused === null) setFields(EMPTY_FIELDS);
	}

	const text = (
		label: string,
		name: Exclude<keyof RuleFields, "push" | "kind" | "device">,
		options: { readonly placeholder?: string; readonly list?: string } = {},
	) => (
		<label>
			<span>{label}</span>
			<input
				name={name}
				value={fields[name]}
				type="text"
				autocomplete="off"
				{...options}
				onInput={(event) => set({ [name]: event.currentTarget.value })}
			/>
		</label>
	);

	return (
		<form class="rule-form" onSubmit={(event) => void submit(event)}>
			{text("Name", "name", { placeholder: "Freezer too warm" })}
			<label>
				<span>Device</span>
				<select
					name="device"
					value={fields.device}
					onChange={(event) => set({ device: event.currentTarget.value })}
				>
					<option value="">each device</option>
					{props.devices.map(({ name }) => (
						<option key={name} value={name}>
							{name}
						</option>
					))}
				</select>
			</label>
			<label>
				<span>When</span>
				<select
					name="kind"
					value={kind}
					onChange={(event) =>
						set({
							kind:
								KINDS.find(([one]) => one === event.currentTarget.value)?.[0] ??
								"above",
						})
					}
				>
					{KINDS.map(([one, label]) => (
						<option key={one} value={one}>
							{label}
						</option>
					))}
				</select>
			</label>
			{kind !== "offline" &&
				text("Channel", "channel", {
					placeholder: isThreshold ? "temperature" : "any",
					list: "channels-of-rule",
				})}
			{isThreshold && text("Limit", "limit")}
			{isThreshold && text("Hysteresis", "hysteresis")}
			{text("For how many minutes", "minutes")}
			{tells.includes("email") &&
				text("E-mail to", "email", { placeholder: "somebody@example.org" })}
			{tells.includes("webhook") &&
				text("Webhook", "webhook", { placeholder: "https://…" })}
			{tells.includes("push") && (
				<label class="check">
					<input
						type="checkbox"
						name="push"
						checked={fields.push}
						onChange={(event) => set({ push: event.currentTarget.checked })}
					/>
					<span>Push to my browsers and telephones</span>
				</label>
			)}
			<datalist id="channels-of-rule">
				{channelsOf(props.devices, fields.device).map((id) => (
					<option key={id} value={id} />
				))}
			</datalist>
			{problem !== null && (
				<p class="note error" role="alert">
					{problem}
				</p>
			)}
			<button type="submit" disabled={isBusy}>
				Make the rule
			</button>
		</form>
	);
}

function channelsOf(
	devices: readonly DeviceInfo[],
	device: string,
): readonly string[] {
	const own = devices.filter(({ name }) => device === "" || name === device);
	return [
		...new Set(own.flatMap(({ channels }) => channels.map(({ id }) => id))),
	].sort();
}
