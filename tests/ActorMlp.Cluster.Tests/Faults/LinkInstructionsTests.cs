using ActorMlp.Cluster.Faults;

namespace ActorMlp.Cluster.Tests.Faults;

public sealed class LinkInstructionsTests
{
    [Theory]
    [InlineData("delay 20ms", "ok")]
    [InlineData("  jitter   200us  back ", "ok")]
    [InlineData("loss 0.02 out", "ok")]
    [InlineData("breaks 0.01 back", "ok")]
    [InlineData("rate 1Gbit/s", "ok")]
    [InlineData("rate off", "ok")]
    [InlineData("cut", "ok")]
    [InlineData("heal back", "ok")]
    [InlineData("reset", "ok")]
    [InlineData("corrupt", "ok")]
    [InlineData("corrupt 3 out", "ok")]
    [InlineData("status", "ok 1 connections, 1 open, 0 bytes out, 0 bytes back, 0 segments lost, 0 chunks corrupted, 0 connections broken")]
    [InlineData("", "error: '': is no instruction; allowed: delay TIME")]
    [InlineData("dely 20ms", "error: 'dely 20ms': is no instruction; allowed: delay TIME")]
    [InlineData("delay", "error: 'delay': is no instruction")]
    [InlineData("delay 20", "error: 'delay 20': expected a time such as 200us, 5ms or 1.5s, got '20'")]
    [InlineData("delay -1ms", "error: 'delay -1ms': expected a time")]
    [InlineData("delay 61s", "error: 'delay 61s': delay is 61 s; allowed: 0 to 60 s")]
    [InlineData("loss 1%", "error: 'loss 1%': expected a share such as 0.01, got '1%'")]
    [InlineData("loss 0.51", "error: 'loss 0.51': loss is 0.51; allowed: 0 to 0.5")]
    [InlineData("breaks 1.1", "error: 'breaks 1.1': breaks is 1.1; allowed: 0 to 1")]
    [InlineData("rate 10", "error: 'rate 10': expected a rate such as")]
    [InlineData("rate 10bit/s", "error: 'rate 10bit/s': rate is 10 bit/s; allowed: 1000 bit/s or more")]
    [InlineData("corrupt 0", "error: 'corrupt 0': expected which of the next chunks, from 1, got '0'")]
    [InlineData("reset out", "error: 'reset out': is no instruction")]
    public async Task Line_is_answered_with_ok_or_one_clear_error(string line, string answer)
    {
        await using LinkedPair pair = await LinkedPair.CreateAsync();
        Assert.StartsWith(answer, LinkInstructions.Apply(pair.Link, line), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_change_the_directions_that_they_name()
    {
        await using LinkedPair pair = await LinkedPair.CreateAsync();
        foreach (string line in new[] { "delay 5ms", "delay 1.5s back", "jitter 200us out", "loss 0.02 back", "rate 100Mbit/s", "rate 500kbit/s out" })
        {
            Assert.Equal("ok", LinkInstructions.Apply(pair.Link, line));
        }

        Assert.Equal(
            new LinkConditions { Delay = TimeSpan.FromMilliseconds(5), Jitter = TimeSpan.FromMicroseconds(200), BitsPerSecond = 500_000 },
            pair.Link.ConditionsOf(LinkDirections.Out));
        Assert.Equal(
            new LinkConditions { Delay = TimeSpan.FromSeconds(1.5), Loss = 0.02, BitsPerSecond = 1e8 },
            pair.Link.ConditionsOf(LinkDirections.Back));
        Assert.Equal("ok", LinkInstructions.Apply(pair.Link, "rate off back"));
        Assert.Null(pair.Link.ConditionsOf(LinkDirections.Back).BitsPerSecond);
    }
}
