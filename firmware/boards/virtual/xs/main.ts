/** Entry point of the virtual board's firmware. */
import { run } from "../../../main.ts";
import { bootWith } from "./boot.ts";

bootWith(run);
