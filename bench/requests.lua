-- Sends the requests of a file in turn: on each line method, path and body, with tabs between them.
local requests, turn = {}, 0

function init(args)
   local headers = {["Content-Type"] = "application/json"}
   for name, value in pairs(wrk.headers) do headers[name] = value end
   for line in io.lines(args[1]) do
      local method, path, body = line:match("^(%S+)\t(%S+)\t(.*)$")
      requests[#requests + 1] = wrk.format(method, path, headers, body ~= "" and body or nil)
   end
end

function request()
   turn = turn + 1
   return requests[(turn - 1) % #requests + 1]
end
