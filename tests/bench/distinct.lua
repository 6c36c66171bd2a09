-- For wrk: asks for the targets of its argument in turn, every connection the next one.
-- wrk ... -s distinct.lua URL -- COUNT PATH, where PATH has a %d for the number.
local requests, at = {}, 0

function init(arguments)
  for number = 0, tonumber(arguments[1]) - 1 do
    requests[#requests + 1] = wrk.format("GET", string.format(arguments[2], number))
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
