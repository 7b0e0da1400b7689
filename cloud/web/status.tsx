/** Small pieces that say how things are. Colour never says it alone. */
import type { DeviceInfo } from "./client.ts";
import { formatAgo } from "./format.ts";
import type { LinkState } from "./live.ts";

export function Presence(props: {
	readonly device: DeviceInfo;
	readonly nowMs: number;
}) {
	const { online, lastSeen, board, firmware } = props.device;
	const seen =
		lastSeen === null
			? "never seen"
			: `last seen ${formatAgo(Date.parse(lastSeen), props.nowMs)}`;
	return (
		<p class="presence">
			<span class={online ? "dot online" : "dot"} aria-hidden="true" />
			<span class="state">{online ? "online" : "offline"}</span>
			{!online && <span>{seen}</span>}
			{board !== null && <span class="board">{board}</span>}
			{firmware !== null && <span class="firmware">firmware {firmware}</span>}
		</p>
	);
}

/** Silent while the live stream is there. */
export function LinkNote({ state }: { readonly state: LinkState }) {
	return (
		<p class="link" role="status">
			{state === "lost" && "Connection lost. Connecting again …"}
		</p>
	);
}

export function ErrorNote(props: {
	readonly message: string;
	readonly onRetry: () => void;
}) {
	return (
		<div class="note error" role="alert">
			<p>{props.message}</p>
			<button type="button" onClick={props.onRetry}>
				Try again
			</button>
		</div>
	);
}
