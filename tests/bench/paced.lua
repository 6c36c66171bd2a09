-- For wrk: every connection pauses before each request, so that servers of different speed get nearly the same load.
-- wrk ... -s paced.lua URL -- MOST, the longest pause in milliseconds; each is chosen by chance, from 1 on.
local most

function init(arguments)
  most = tonumber(arguments[1])
end

function delay()
  return math.random(most)
end
