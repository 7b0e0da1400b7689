/** Runs on XS: never comes back from its first turn. */
import { bootWith } from "../../xs/boot.ts";

bootWith(() => {
	for (;;);
});
