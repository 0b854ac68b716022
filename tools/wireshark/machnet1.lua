-- SPDX-License-Identifier: MIT
--
-- machnet1.lua - Wireshark and tshark understand Machnet packets of version 1
--
-- Finds them by their look on any UDP port (Analyze, Enabled Protocols, machnet1_udp), and takes
-- every packet on the ports of the preference for one, so that broken packets are shown there, too.
-- The layout is that of include/machnet/wire1.h; Documentation/protocol-1.md explains it.

local VERSION = 1
local SACK_MAX = 4
local HDR, SACK, BODY, FRAME = 48, 16, 24, 4
local FIN, PROBE = 0x01, 0x02
local SYN, SYN_ACK, DATA, ACK, RST, RETRY = 1, 2, 3, 4, 5, 6
-- Numbers of a stream up to this are exact in Lua.
local EXACT = 2 ^ 53

local types = { [SYN] = "SYN", [SYN_ACK] = "SYN_ACK", [DATA] = "DATA", [ACK] = "ACK", [RST] = "RST", [RETRY] = "RETRY" }
local codes = { [0] = "NONE", "REFUSED", "UNKNOWN", "ABORTED", "BUSY" }

local machnet = Proto("machnet1", "Machnet transport, version 1")

local f = {
	version = ProtoField.uint8("machnet1.version", "Version"),
	type = ProtoField.uint8("machnet1.type", "Type", base.DEC, types),
	flags = ProtoField.uint8("machnet1.flags", "Flags", base.HEX),
	fin = ProtoField.bool("machnet1.flags.fin", "FIN: the stream ends behind the payload", 8, nil, FIN),
	probe = ProtoField.bool("machnet1.flags.probe", "PROBE: answer at once", 8, nil, PROBE),
	n_sack = ProtoField.uint8("machnet1.n_sack", "Ranges"),
	credit = ProtoField.uint32("machnet1.credit", "Credit", base.DEC, nil, nil, "Bytes beyond ack that the sender can take"),
	id = ProtoField.uint64("machnet1.id", "Connection, by its receiver's id", base.HEX),
	seq = ProtoField.uint64("machnet1.seq", "Sequence number", base.DEC),
	ack = ProtoField.uint64("machnet1.ack", "Acknowledges all before", base.DEC),
	ts = ProtoField.uint32("machnet1.ts", "Timestamp in us"),
	ts_echo = ProtoField.uint32("machnet1.ts_echo", "Echoed timestamp in us"),
	ack_delay = ProtoField.uint32("machnet1.ack_delay", "Waited in us"),
	wait = ProtoField.uint16("machnet1.wait", "And may have waited before, in us"),
	reserved = ProtoField.uint16("machnet1.reserved", "Reserved", base.HEX),
	sack = ProtoField.none("machnet1.sack", "Range that has arrived"),
	sack_start = ProtoField.uint64("machnet1.sack.start", "From", base.DEC),
	sack_end = ProtoField.uint64("machnet1.sack.end", "To", base.DEC),
	body_id = ProtoField.uint64("machnet1.body.id", "Id", base.HEX, nil, nil,
		"SYN, SYN_ACK: the sender's id of the connection; RST UNKNOWN: the id that is unknown to the sender"),
	mss = ProtoField.uint16("machnet1.body.mss", "Largest UDP payload"),
	engine = ProtoField.uint16("machnet1.body.engine", "Engine"),
	code = ProtoField.uint32("machnet1.body.code", "Code", base.DEC, codes),
	cookie = ProtoField.uint64("machnet1.body.cookie", "Cookie", base.HEX),
	payload = ProtoField.bytes("machnet1.payload", "Payload"),
	len = ProtoField.uint32("machnet1.len", "Bytes of payload"),
	next_seq = ProtoField.uint64("machnet1.next_seq", "Next sequence number", base.DEC),
	stream = ProtoField.uint32("machnet1.stream", "Number of the connection in this capture"),
	again = ProtoField.bool("machnet1.again", "Sent again, or overtaken"),
	rtt = ProtoField.uint32("machnet1.rtt", "Round trip by the echo in us", base.DEC, nil, nil,
		"Capture time of this packet since the packet that it echoes, without the peer's wait"),
	msg_seq = ProtoField.uint64("machnet1.message.seq", "A message begins at", base.DEC),
	msg_len = ProtoField.uint32("machnet1.message.len", "Bytes of the message"),
}
machnet.fields = f

local e = {
	short = ProtoExpert.new("machnet1.expert.short", "Shorter than its headers", expert.group.MALFORMED, expert.severity.ERROR),
	version = ProtoExpert.new("machnet1.expert.version", "Another version", expert.group.PROTOCOL, expert.severity.ERROR),
	type = ProtoExpert.new("machnet1.expert.type", "Unknown type", expert.group.PROTOCOL, expert.severity.ERROR),
	reserved = ProtoExpert.new("machnet1.expert.reserved", "Reserved bits are set", expert.group.PROTOCOL, expert.severity.ERROR),
	malformed = ProtoExpert.new("machnet1.expert.malformed", "Cannot be true", expert.group.MALFORMED, expert.severity.ERROR),
	again = ProtoExpert.new("machnet1.expert.again", "Sent again, or overtaken", expert.group.SEQUENCE, expert.severity.NOTE),
	closed = ProtoExpert.new("machnet1.expert.zero_credit", "The sender can take nothing", expert.group.SEQUENCE, expert.severity.NOTE),
	reset = ProtoExpert.new("machnet1.expert.reset", "The connection is over", expert.group.SEQUENCE, expert.severity.WARN),
}
machnet.experts = { e.short, e.version, e.type, e.reserved, e.malformed, e.again, e.closed, e.reset }

machnet.prefs.ports = Pref.range("UDP ports", "31580", "Ports on which every packet is taken for one of Machnet", 65535)

-- What was learned of the capture so far: streams by id, and what to show of each packet.
local directions, packets, n_streams

function machnet.init()
	directions, packets, n_streams = {}, {}, 0
end

-- The stream of bytes towards the end that calls the connection by this id; reverse: the other one, if known.
local function direction(id, reverse)
	local d = directions[id]

	if not d then
		d = { stream = reverse and reverse.stream or n_streams, highest = 0, next_message = 0, sent = {} }
		n_streams = math.max(n_streams, d.stream + 1)
		directions[id] = d
	end
	return d
end

-- A SYN_ACK names both ids: the two streams are one connection.
local function join(id, other)
	local d = direction(id)
	local o = direction(other, d)

	d.reverse, o.reverse = o, d
	o.stream = d.stream
	if d.syn_ts then
		o.sent[d.syn_ts] = d.syn_at
	end
end

-- Messages that begin in the bytes [seq, seq + #bytes), as long as the capture has the stream from its begin on.
local function find_messages(d, seq, bytes)
	local found = {}
	local from = d.next_message + #(d.partial or "")

	while from >= seq and from < seq + bytes:len() do
		local want = FRAME - #(d.partial or "")
		local have = math.min(want, seq + bytes:len() - from)

		d.partial = (d.partial or "") .. bytes:raw(from - seq, have)
		if #d.partial == FRAME then
			local len = Struct.unpack(">I4", d.partial)

			found[#found + 1] = { seq = d.next_message, len = len }
			d.next_message = d.next_message + FRAME + len
			d.partial = nil
		end
		from = d.next_message + #(d.partial or "")
	end
	return found
end

local function round_trip(d, p, pinfo)
	local sent = d.reverse and d.reverse.sent[p.ts_echo]

	if sent and p.ts_echo ~= 0 then
		return math.max(0, math.floor((pinfo.abs_ts - sent) * 1e6 + 0.5) - p.ack_delay)
	end
end

-- Once per packet, in the order of the capture.
local function learn(p, tvb, pinfo)
	local known = {}
	local d

	if p.type == SYN then
		d = direction(p.body_id)
		d.syn_ts, d.syn_at = p.ts, pinfo.abs_ts
		known.stream = d.stream
		return known
	end
	if p.type == SYN_ACK then
		join(p.id, p.body_id)
	end
	d = directions[p.type == RST and p.no_id and p.body_id or p.id]
	if p.type ~= RST then
		d = direction(p.id)
	end
	known.stream = d and d.stream
	if p.type == RST or p.type == RETRY then
		return known
	end
	known.rtt = round_trip(d, p, pinfo)
	d.sent[p.ts] = d.sent[p.ts] or pinfo.abs_ts
	if tvb:captured_len() > p.payload_at and p.seq < EXACT then
		known.again = p.seq < d.highest
		d.highest = math.max(d.highest, p.seq + p.len)
		known.messages = find_messages(d, p.seq, tvb:bytes(p.payload_at))
	end
	return known
end

-- Length of the headers by type and number of ranges, nil when there is no such packet.
local function headers_len(type, n_sack)
	if type == DATA or type == ACK then
		return HDR + n_sack * SACK
	end
	return types[type] and HDR + BODY
end

local function has(flags, flag)
	return math.floor(flags / flag) % 2 == 1
end

-- A packet that a receiver would not drop for its looks.
local function looks_right(tvb)
	local len = tvb:captured_len()

	if len < HDR or tvb(0, 1):uint() ~= VERSION or tvb(46, 2):uint() ~= 0 then
		return false
	end
	local type, flags, n_sack = tvb(1, 1):uint(), tvb(2, 1):uint(), tvb(3, 1):uint()
	local headers = headers_len(type, n_sack)

	if not headers or n_sack > SACK_MAX or flags > FIN + PROBE or len < headers then
		return false
	end
	if type == DATA or type == ACK then
		return (type == DATA) == (tvb:reported_len() > headers)
	end
	return flags == 0 and n_sack == 0 and tvb:reported_len() == headers
end

local function show_flags(tree, tvb, flags)
	local t = tree:add(f.flags, tvb(2, 1))

	t:add(f.fin, tvb(2, 1))
	t:add(f.probe, tvb(2, 1))
	if flags > FIN + PROBE then
		t:add_proto_expert_info(e.reserved)
	end
end

local function show_header(tree, tvb)
	local version, type = tvb(0, 1):uint(), tvb(1, 1):uint()
	local t = tree:add(f.version, tvb(0, 1))

	if version ~= VERSION then
		t:add_proto_expert_info(e.version)
	end
	t = tree:add(f.type, tvb(1, 1))
	if not types[type] then
		t:add_proto_expert_info(e.type)
	end
	show_flags(tree, tvb, tvb(2, 1):uint())
	tree:add(f.n_sack, tvb(3, 1))
	t = tree:add(f.credit, tvb(4, 4))
	if (type == DATA or type == ACK) and tvb(4, 4):uint() == 0 then
		t:add_proto_expert_info(e.closed)
	end
	tree:add(f.id, tvb(8, 8))
	tree:add(f.seq, tvb(16, 8))
	tree:add(f.ack, tvb(24, 8))
	tree:add(f.ts, tvb(32, 4))
	tree:add(f.ts_echo, tvb(36, 4))
	tree:add(f.ack_delay, tvb(40, 4))
	tree:add(f.wait, tvb(44, 2))
	t = tree:add(f.reserved, tvb(46, 2))
	if tvb(46, 2):uint() ~= 0 then
		t:add_proto_expert_info(e.reserved)
	end
end

local function show_body(tree, tvb, p)
	local body = tvb(HDR, BODY)
	local t

	if p.type ~= RETRY then
		tree:add(f.body_id, body(0, 8))
	end
	if p.type == SYN or p.type == SYN_ACK then
		tree:add(f.mss, body(8, 2))
		tree:add(f.engine, body(10, 2))
	end
	t = tree:add(f.code, body(12, 4))
	if p.type == RST then
		t:add_proto_expert_info(e.reset)
	end
	if (p.type == RST) ~= (p.code ~= 0) then
		t:add_proto_expert_info(e.malformed, "Only a RST has a code, and it has one")
	end
	t = tree:add(f.cookie, body(16, 8))
	if p.type == RETRY and p.no_cookie or (p.type == SYN_ACK or p.type == RST) and not p.no_cookie then
		t:add_proto_expert_info(e.malformed, "RETRY must have a cookie, SYN may, and nothing else")
	end
end

local function show_ranges(tree, tvb, p)
	for i = 0, p.n_sack - 1 do
		local at = tvb(HDR + i * SACK, SACK)
		local first, last = at(0, 8):uint64(), at(8, 8):uint64()
		local t = tree:add(f.sack, at)

		t:append_text(": " .. tostring(first) .. "-" .. tostring(last))
		t:add(f.sack_start, at(0, 8))
		t:add(f.sack_end, at(8, 8))
		if first >= last or first <= tvb(24, 8):uint64() then
			t:add_proto_expert_info(e.malformed, "Empty, or not behind what is acknowledged")
		end
	end
end

-- What follows from this packet and those before.
local function show_known(tree, tvb, p, known)
	local whole = tvb()

	if known.stream then
		tree:add(f.stream, whole, known.stream):set_generated()
	end
	if p.type == DATA or p.type == ACK then
		local behind = tvb(16, 8):uint64() + UInt64(p.len + (has(p.flags, FIN) and 1 or 0))

		tree:add(f.len, whole, p.len):set_generated()
		tree:add(f.next_seq, tvb(16, 8), behind):set_generated()
	end
	if known.rtt then
		tree:add(f.rtt, tvb(36, 4), known.rtt):set_generated()
	end
	if known.again then
		local t = tree:add(f.again, tvb(16, 8), true)

		t:set_generated()
		t:add_proto_expert_info(e.again)
	end
	for _, m in ipairs(known.messages or {}) do
		tree:add(f.msg_seq, tvb(p.payload_at), UInt64(m.seq % 2 ^ 32, math.floor(m.seq / 2 ^ 32))):set_generated()
		tree:add(f.msg_len, tvb(p.payload_at), m.len):set_generated()
	end
end

-- The packet in one line.
local function summary(tvb, p)
	local s = types[p.type]

	if p.type == DATA or p.type == ACK then
		s = s .. (has(p.flags, FIN) and ".FIN" or "") .. (has(p.flags, PROBE) and ".PROBE" or "")
		s = s .. " Seq=" .. tostring(tvb(16, 8):uint64()) .. " Ack=" .. tostring(tvb(24, 8):uint64())
		s = s .. " Credit=" .. tvb(4, 4):uint() .. " Len=" .. p.len
		for i = 0, p.n_sack - 1 do
			local at = tvb(HDR + i * SACK, SACK)

			s = s .. (i == 0 and " Sack=" or ",") .. tostring(at(0, 8):uint64()) .. "-" .. tostring(at(8, 8):uint64())
		end
	elseif p.type == RETRY then
		s = s .. " Cookie=" .. tvb(64, 8):uint64():tohex()
	elseif p.type == RST then
		s = s .. "." .. (codes[p.code] or p.code)
	else
		s = s .. " Credit=" .. tvb(4, 4):uint() .. " Mss=" .. tvb(56, 2):uint() .. " Engine=" .. tvb(58, 2):uint()
	end
	return s
end

local function read(tvb, headers)
	local p = {
		type = tvb(1, 1):uint(),
		flags = tvb(2, 1):uint(),
		n_sack = tvb(3, 1):uint(),
		id = tostring(tvb(8, 8):uint64()),
		no_id = tvb(8, 8):uint64() == UInt64(0),
		seq = tvb(16, 8):uint64():tonumber(),
		ts = tvb(32, 4):uint(),
		ts_echo = tvb(36, 4):uint(),
		ack_delay = tvb(40, 4):uint(),
		payload_at = headers,
		len = tvb:reported_len() - headers,
	}
	if p.type ~= DATA and p.type ~= ACK then
		p.body_id = tostring(tvb(HDR, 8):uint64())
		p.code = tvb(HDR + 12, 4):uint()
		p.no_cookie = tvb(HDR + 16, 8):uint64() == UInt64(0)
	end
	return p
end

-- By what its header has and one of version 1 cannot have: no reserved byte, no tag.
local function is_version_2(tvb)
	return tvb:captured_len() > 40 and tvb(0, 1):uint() == 2 and tvb(3, 1):uint() == 0 and
	       not tvb:raw(24, 16):find("[^%z]")
end

function machnet.dissector(tvb, pinfo, root)
	local len = tvb:captured_len()

	-- Both versions may use one port.
	if is_version_2(tvb) then
		return Dissector.get("machnet"):call(tvb, pinfo, root)
	end
	local tree = root:add(machnet, tvb())

	pinfo.cols.protocol = "Machnet"
	if len < HDR then
		tree:add_proto_expert_info(e.short)
		pinfo.cols.info = "Machnet, too short"
		return len
	end
	show_header(tree, tvb)
	local headers = headers_len(tvb(1, 1):uint(), tvb(3, 1):uint())

	if tvb(0, 1):uint() ~= VERSION or not headers or tvb(3, 1):uint() > SACK_MAX then
		if tvb(3, 1):uint() > SACK_MAX then
			tree:add_proto_expert_info(e.malformed, "Too many ranges")
		end
		pinfo.cols.info = "Machnet, not understood"
		return len
	end
	if len < headers then
		tree:add_proto_expert_info(e.short)
		pinfo.cols.info = "Machnet, too short"
		return len
	end
	local p = read(tvb, headers)
	local stream = p.type == DATA or p.type == ACK

	if not pinfo.visited or not packets[pinfo.number] then
		packets[pinfo.number] = learn(p, tvb, pinfo)
	end
	if stream then
		show_ranges(tree, tvb, p)
	else
		show_body(tree, tvb, p)
	end
	if len > headers then
		tree:add(f.payload, tvb(headers))
	end
	if (p.type == DATA) ~= (p.len > 0) then
		tree:add_proto_expert_info(e.malformed, "DATA must have payload, and nothing else may")
	end
	show_known(tree, tvb, p, packets[pinfo.number])
	pinfo.cols.info = summary(tvb, p)
	tree:append_text(", " .. summary(tvb, p))
	return len
end

local function heuristic(tvb, pinfo, root)
	if not looks_right(tvb) then
		return false
	end
	machnet.dissector(tvb, pinfo, root)
	return true
end

machnet:register_heuristic("udp", heuristic)

local udp_ports = DissectorTable.get("udp.port")
local taken = ""

function machnet.prefs_changed()
	if taken ~= "" then
		udp_ports:remove(taken, machnet)
	end
	taken = machnet.prefs.ports
	if taken ~= "" then
		udp_ports:add(taken, machnet)
	end
end

taken = machnet.prefs.ports
if taken ~= "" then
	udp_ports:add(taken, machnet)
end
