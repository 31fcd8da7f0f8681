using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;

namespace ActorMlp.Training.Tests.Configuration;

public sealed class TrainingSpecFactoryTests
{
    [Fact]
    public void Optimizer_every_constant_is_handed_on()
    {
        var options = new TrainingOptions
        {
            Optimizer = new OptimizerOptions
            {
                Kind = OptimizerKind.AdamW,
                Momentum = 0.5,
                Rho = 0.25,
                Beta1 = 0.125,
                Beta2 = 0.75,
                Epsilon = 0.0625,
                WeightDecay = 2,
            },
        };

        var expected = new OptimizerSpec
        {
            Kind = OptimizerKind.AdamW,
            Momentum = 0.5f,
            Rho = 0.25f,
            Beta1 = 0.125f,
            Beta2 = 0.75f,
            Epsilon = 0.0625f,
            WeightDecay = 2,
        };
        Assert.Equal(expected, TrainingSpecFactory.Optimizer(options));
    }

    [Fact]
    public void Regularization_defaults_are_none()
    {
        Assert.Equal(new RegularizationSpec(), TrainingSpecFactory.Regularization(new TrainingOptions()));
    }

    [Fact]
    public void Regularization_every_value_is_handed_on()
    {
        var options = new TrainingOptions { L1 = 0.5, L2 = 0.25, MaxNorm = 3, ClipNorm = 1.5 };

        Assert.Equal(
            new RegularizationSpec { L1 = 0.5f, L2 = 0.25f, MaxNorm = 3f, ClipNorm = 1.5f }, TrainingSpecFactory.Regularization(options));
    }

    [Fact]
    public void Schedule_epochs_become_steps()
    {
        var options = new TrainingOptions
        {
            Epochs = 30,
            Optimizer = new OptimizerOptions { LearningRate = 0.125 },
            Schedule = new ScheduleOptions
            {
                Kind = ScheduleKind.Step,
                WarmupEpochs = 1.5,
                IntervalEpochs = 4,
                Factor = 0.5,
                Minimum = 0.0625,
                Decay = 8,
            },
        };

        var expected = new ScheduleSpec
        {
            Kind = ScheduleKind.Step,
            LearningRate = 0.125,
            TotalSteps = 3000,
            WarmupSteps = 150,
            IntervalSteps = 400,
            Factor = 0.5,
            Minimum = 0.0625,
            Decay = 0.08,
        };
        Assert.Equal(expected, TrainingSpecFactory.Schedule(options, 100));
    }

    [Fact]
    public void Schedule_more_steps_than_an_int_holds_are_counted()
    {
        var options = new TrainingOptions { Epochs = 1_000_000, Schedule = new ScheduleOptions { IntervalEpochs = 1_000_000 } };

        ScheduleSpec schedule = TrainingSpecFactory.Schedule(options, 60_000);

        Assert.Equal(60_000_000_000, schedule.TotalSteps);
        Assert.Equal(60_000_000_000, schedule.IntervalSteps);
    }

    [Theory]
    [InlineData(ScheduleKind.Constant, 5, 0.5)]
    [InlineData(ScheduleKind.Step, 5, 0.05)]
    [InlineData(ScheduleKind.InverseTime, 5, 0.25)]
    [InlineData(ScheduleKind.Cosine, 5, 0.25)]
    public void Schedule_after_some_epochs_is_the_rate_that_those_epochs_ask_for(ScheduleKind kind, int epochs, double rate)
    {
        var options = new TrainingOptions
        {
            Epochs = 10,
            Optimizer = new OptimizerOptions { LearningRate = 0.5 },
            Schedule = new ScheduleOptions { Kind = kind, IntervalEpochs = 5, Decay = 0.2 },
        };

        // A long epoch, so that one step beside the middle makes no difference here.
        Assert.Equal(rate, TrainingSpecFactory.Schedule(options, 100_000).At(epochs * 100_000L), 1e-4);
    }
}
