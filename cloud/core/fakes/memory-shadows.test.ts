import { shadowStoreContract } from "../contracts/shadow-store.ts";
import { MemoryShadows } from "./memory-shadows.ts";

shadowStoreContract("memory", async () => new MemoryShadows());
