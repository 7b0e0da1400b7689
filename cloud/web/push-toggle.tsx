/** Turns notifications on this browser on and off, and says why where that cannot be. */
import { useEffect } from "preact/hooks";
import {
	checkPush,
	type PushState,
	pushState,
	turnPushOff,
	turnPushOn,
} from "./push.ts";

export function PushToggle() {
	useEffect(() => void checkPush(), []);
	const state = pushState.value;
	if (state.is === "checking") return null;
	return (
		<section class="push" aria-label="Notifications on this browser">
			<p class="muted" role={state.is === "failed" ? "alert" : "status"}>
				{sentence(state)}
			</p>
			<Action state={state} />
		</section>
	);
}

function Action({ state }: { readonly state: PushState }) {
	switch (state.is) {
		case "off":
		case "changing":
			return (
				<button
					type="button"
					disabled={state.is === "changing"}
					onClick={() => void turnPushOn()}
				>
					Notify me on this browser
				</button>
			);
		case "on":
			return (
				<button type="button" onClick={() => void turnPushOff()}>
					Stop notifying me here
				</button>
			);
		case "failed":
			return (
				<button type="button" onClick={() => void checkPush()}>
					Try again
				</button>
			);
		default:
			return null;
	}
}

function sentence(state: PushState): string {
	switch (state.is) {
		case "checking":
			return "";
		case "insecure":
			return "Alerts can be shown on this browser when the page comes by https, or from the machine itself.";
		case "unsupported":
			return "This browser cannot show alerts. On an iPhone or iPad, add the page to the home screen first.";
		case "unavailable":
			return "This cloud does not send alerts to browsers.";
		case "denied":
			return "This browser was told not to show notifications of this page. Its settings for the page can allow them.";
		case "off":
			return "This browser can show you the alerts that are sent to you, also when the page is closed.";
		case "changing":
			return "One moment …";
		case "on":
			return "This browser shows you the alerts that are sent to you.";
		case "failed":
			return `Notifications could not be changed: ${state.message}`;
	}
}
