import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { server, session } from "./session.mjs";

// `auto` starts a throw-away copy of the server first, to ask it what it speaks.
const client = new Client({ name: "typescript-v2", version: "1" }, { versionNegotiation: { mode: "auto" } });
const call = (args, options) => client.callTool({ name: "make_phone_call", arguments: args }, options);
await session(client, new StdioClientTransport(server), call);
