from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('person_id', models.BigIntegerField()),
                ('area_path', models.TextField()),
                ('about', models.TextField(choices=[('NAME', 'Name'), ('BIRTH', 'Birth'), ('HOUSEHOLD', 'Household'), ('ADDRESS', 'Address'), ('SCORE', 'Score'), ('PAYMENT', 'Payment'), ('OTHER', 'Other')])),
                ('state', models.TextField(choices=[('OPEN', 'Open'), ('ANSWERED', 'Answered')], default='OPEN')),
                ('outcome', models.TextField(blank=True, choices=[('CORRECTED', 'Corrected'), ('NOT_WRONG', 'Not Wrong'), ('COME_TO_OFFICE', 'Come To Office')], default='')),
                ('lodged_by', models.TextField(help_text='CITIZEN or OFFICER')),
                ('lodged_at', models.DateTimeField()),
                ('due_on', models.DateField(help_text="by the country's deadline for a complaint")),
                ('answered_by', models.BigIntegerField(null=True)),
                ('answered_at', models.DateTimeField(null=True)),
                ('note', models.TextField(blank=True, default='', help_text='for officers; no personal value')),
            ],
            options={
                'indexes': [models.Index(fields=['person_id'], name='case_person'), models.Index(fields=['state', 'due_on'], name='case_due')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'OPEN')), fields=('person_id', 'about'), name='case_open_once')],
            },
        ),
    ]
