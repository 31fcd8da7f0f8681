using ActorMlp.Engine.Random;

namespace ActorMlp.Engine.Tests.Random;

public sealed class PhiloxTests
{
    /// <summary>The known answers that come with Random123.</summary>
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627E8D5u, 0xE169C58Du, 0xBC57AC4Cu, 0x9B00DBD8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408F276Du, 0x41C83B0Eu, 0xA20BC7C6u, 0x6D5451FDu)]
    [InlineData(0x243F6A88u, 0x85A308D3u, 0x13198A2Eu, 0x03707344u, 0xA4093822u, 0x299F31D0u, 0xD16CFE09u, 0x94FDCCEBu, 0x5001E420u, 0x24126EA1u)]
    public void Draw_gives_the_published_answers(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint x0, uint x1, uint x2, uint x3) =>
        Assert.Equal(new PhiloxBlock(x0, x1, x2, x3), Philox.Draw(new PhiloxBlock(c0, c1, c2, c3), k0, k1));

    [Fact]
    public void Bits_differ_by_seed_purpose_and_each_coordinate()
    {
        var draws = new CounterRandom(7, RandomPurpose.Dropout);
        uint[] bits =
        [
            draws.Bits(1, 2, 3), draws.Bits(2, 2, 3), draws.Bits(1UL << 40, 2, 3), draws.Bits(1, 3, 3), draws.Bits(1, 2, 4),
            draws.Bits(1, 2, 7), new CounterRandom(8, RandomPurpose.Dropout).Bits(1, 2, 3), new CounterRandom(7, RandomPurpose.Split).Bits(1, 2, 3),
            new CounterRandom(7UL << 32, RandomPurpose.Dropout).Bits(1, 2, 3),
        ];
        Assert.Equal(bits.Length, bits.Distinct().Count());
    }

    [Fact]
    public void Uniform_and_below_stay_in_range_and_spread_evenly()
    {
        var draws = new CounterRandom(3, RandomPurpose.Shuffle);
        int[] counts = new int[10];
        double sum = 0;
        for (uint i = 0; i < 10_000; i++)
        {
            double uniform = draws.Uniform(0, 0, i);
            Assert.InRange(uniform, 0, 1 - 1e-16);
            sum += uniform;
            counts[draws.Below(10, 1, 0, i)]++;
        }

        // Five standard deviations: 0.29 / √10000 of the mean, √900 of a count.
        Assert.InRange(sum / 10_000, 0.4855, 0.5145);
        Assert.All(counts, count => Assert.InRange(count, 850, 1150));
    }
}
