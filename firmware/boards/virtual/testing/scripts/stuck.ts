/** Runs on XS: feeds the watchdog once, and then does as the setting "stuck" says. */
import { bootWith } from "../../xs/boot.ts";

bootWith(({ watchdog, settings, system, timers }) => {
	system.log("info", `after ${system.resetReason}`);
	const how = settings.get("stuck");
	settings.delete("stuck");
	if (how === undefined) return {};
	watchdog.feed();
	// Its timers turn, and nobody feeds.
	if (how === "starves") timers.set(() => undefined, 86_400_000);
	if (how === "loops") for (;;);
	return {};
});
