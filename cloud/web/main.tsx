/** The dashboard. */
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { AlertsView } from "./alerts-view.tsx";
import {
	checkSession,
	followAddress,
	leave,
	now,
	type Route,
	route,
	signInState,
} from "./app-state.ts";
import type { Who } from "./client.ts";
import { pageConfig } from "./config.ts";
import { DeviceList } from "./device-list.tsx";
import { DevicePage } from "./device-page.tsx";
import { beginSignIn } from "./hosted-sign-in.ts";
import { silencePush } from "./push.ts";
import { ErrorNote } from "./status.tsx";

function App() {
	const state = signInState.value;
	return (
		<>
			<div class="top">
				<a class="brand" href="#/">
					<img src="favicon.svg" alt="" width="22" height="22" />
					thinghz
				</a>
				{state.is === "in" && (
					<nav class="views" aria-label="Views">
						<a href="#/alerts">Alerts</a>
					</nav>
				)}
				{state.is === "in" && (
					<div class="me">
						<span class="muted">{whoText(state.who)}</span>
						<button
							type="button"
							class="quiet"
							onClick={() => void leave(silencePush)}
						>
							Sign out
						</button>
					</div>
				)}
			</div>
			<Main />
		</>
	);
}

/** What an identity provider calls people may be a number that says nothing: their role then stands alone. */
function whoText({ name, role }: Who): string {
	return /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(name) ? role : `${name} (${role})`;
}

function Main() {
	const state = signInState.value;
	const shown = route.value;
	useEffect(() => {
		document.title = titleOf(shown);
	}, [shown]);
	switch (state.is) {
		case "checking":
			return (
				<main>
					<p class="muted">Loading …</p>
				</main>
			);
		case "unreachable":
			return (
				<main>
					<ErrorNote
						message={state.message}
						onRetry={() => void checkSession()}
					/>
				</main>
			);
		case "out":
			return <SignedOut message={state.message} />;
		case "in":
			return <View shown={shown} />;
	}
}

function View({ shown }: { readonly shown: Route }) {
	switch (shown.view) {
		case "devices":
			return <DeviceList />;
		case "alerts":
			return <AlertsView />;
		case "device":
			return (
				<DevicePage
					key={shown.name}
					name={shown.name}
					rangeId={shown.rangeId}
				/>
			);
	}
}

function titleOf(shown: Route): string {
	switch (shown.view) {
		case "devices":
			return "thinghz";
		case "alerts":
			return "Alerts · thinghz";
		case "device":
			return `${shown.name} · thinghz`;
	}
}

function SignedOut({ message }: { readonly message: string | null }) {
	const { hosted } = pageConfig();
	return (
		<main>
			<div class="card empty">
				<h1>Sign in</h1>
				{message !== null && (
					<p class="note error" role="alert">
						{message}
					</p>
				)}
				{hosted === null ? (
					<SignInByLink />
				) : (
					<>
						<p>At your cloud's sign-in page, which then brings you back.</p>
						<button
							type="button"
							class="primary"
							onClick={() => void beginSignIn(hosted)}
						>
							Sign in
						</button>
					</>
				)}
			</div>
		</main>
	);
}

function SignInByLink() {
	return (
		<>
			<p>
				Open a sign-in link. <code>make start</code> and{" "}
				<code>npx thinghz up</code> print one; each works once, for 15 minutes.
				For another, on the machine that runs the cloud:
			</p>
			<pre>npx thinghz signin</pre>
		</>
	);
}

window.addEventListener("hashchange", () => void followAddress());
window.setInterval(() => {
	now.value = Date.now();
}, 1_000);
void followAddress();

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
